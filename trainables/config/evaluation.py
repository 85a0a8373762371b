"""The section ``eval`` of a trial's configuration: how networks are evaluated.

The fields without ``val_`` decide the test; validation follows them unless ``val_...`` differs.
"""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import refused, require, require_choices

WHOLE = "whole"
"""The value of ``eval/window`` for complete images."""

_ABL = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
SCALES = {"abl_cityscapes": _ABL, "abl_ade20k": _ABL[:-1]}
"""Lists of scales by name: ABL (AAAI 2022), Sec. 4.1, gives two, in the order in which it names its
datasets."""
Size = tuple[int, int]
"""Rows and columns, in pixels."""
Split = Literal["val", "test"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    scales: str = "1"
    """Factors that images are resized by, such as ``0.5,0.75,1,1.25``; probabilities are averaged.
    ``abl_cityscapes`` is 0.5,0.75,1,1.25,1.5,1.75,2, ``abl_ade20k`` the same without 2."""

    flip: bool = False
    """Also predict the mirrored images, and average."""

    window: str = WHOLE
    """Size of sliding windows, ``769`` or ``512x1024`` (rows x columns); ``whole``: none."""

    stride: str = ""
    """Distance between windows, like ``window``; "": two thirds of the window."""

    val_scales: str = ""
    """The same for validation, which may be cheaper than the test; "": as in the test."""

    val_flip: Literal["", "on", "off"] = ""
    """Mirror in validation; "": as in the test."""

    val_window: str = ""
    """Windows in validation; "": as in the test."""

    val_stride: str = ""
    """Stride in validation; "": as in the test, or two thirds of a window of its own."""

    surface: bool = False
    """Measure surface distances: Hausdorff, HD95, ASSD. An objective that is one turns it on."""

    holes: bool = False
    """Measure holes and islands in predictions. An objective that is one turns it on."""

    edge_thresholds: int = 9
    """Thresholds of odsF on the validation list, after every epoch; the test list has 99, as the
    public tools. Each takes 2 ms an image of 96 x 128, 35 ms of 384 x 512. 0: none there."""

    terms: str = ""
    """Loss terms that validation measures beside those that are trained, such as
    ``affinity_regression`` (``val/affinity_regression``); ``none``: no terms at all."""

    checkpoint: Literal["last", "best"] = "last"
    """Which network is measured: after the last epoch, or of the epoch that was best in the
    objective on the validation list."""

    both_checkpoints: bool = False
    """Test both networks of each trial. The verdict rests on that of ``checkpoint``; the figures of
    the other stand beside it."""

    def __post_init__(self) -> None:
        require_choices(self, "eval")
        fits = 0 <= self.edge_thresholds <= 99
        require(fits, "eval/edge_thresholds", "0 .. 99", self.edge_thresholds)
        for prefix in ("", "val_"):
            scales, window = getattr(self, f"{prefix}scales"), getattr(self, f"{prefix}window")
            stride = getattr(self, f"{prefix}stride")
            if scales or not prefix:
                parse_scales(f"eval/{prefix}scales", scales)
            if window or not prefix:
                parse_size(f"eval/{prefix}window", window)
            if stride:
                _check_stride(f"eval/{prefix}stride", stride, window or self.window)

    def of(self, split: Split) -> "EvaluationProtocol":
        """How a list is evaluated."""
        if split == "test":
            return _protocol(self.scales, self.flip, self.window, self.stride)
        return _protocol(
            self.val_scales or self.scales,
            self.flip if not self.val_flip else self.val_flip == "on",
            self.val_window or self.window,
            # A window of its own has a stride of its own.
            self.val_stride or ("" if self.val_window else self.stride),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationProtocol:
    """How each image of a list is predicted; by default once, complete, as it is."""

    scales: tuple[float, ...] = (1.0,)
    """Factors that the image is resized by; windows keep their size."""

    flip: bool = False
    """Also predict the image mirrored left to right."""

    window: Size | None = None
    """Rows and columns of sliding windows; None for the complete image."""

    stride: Size | None = None
    """The distance between windows; None without windows."""

    @property
    def is_plain(self) -> bool:
        """Whether one prediction of the complete image is all."""
        return self == EvaluationProtocol()

    def __str__(self) -> str:
        """``7 scales 0.5..2 and mirrored, windows 769x769 every 512x512``."""
        least, most = f"{min(self.scales):g}", f"{max(self.scales):g}"
        if len(self.scales) > 1:
            scales = f"{len(self.scales)} scales {least}..{most}"
        else:
            scales = "single scale" if least == "1" else f"single scale {least}"
        mirrored = " and mirrored" if self.flip else ""
        if self.window is None or self.stride is None:
            return f"{scales}{mirrored}, whole images"
        window, stride = ("x".join(map(str, size)) for size in (self.window, self.stride))
        return f"{scales}{mirrored}, windows {window} every {stride}"


def _protocol(scales: str, flip: bool, window: str, stride: str) -> EvaluationProtocol:
    around = parse_size("eval/window", window)
    steps = parse_size("eval/stride", stride) if stride else None
    if around and not steps:
        steps = max(1, around[0] * 2 // 3), max(1, around[1] * 2 // 3)
    return EvaluationProtocol(
        scales=parse_scales("eval/scales", scales),
        flip=flip,
        window=around,
        stride=steps if around else None,
    )


def parse_scales(name: str, text: str) -> tuple[float, ...]:
    """The numbers of ``0.5,1,2``, or of a list's name.

    Raises:
        ValueError: a text that is neither, or numbers that are equal or outside 0.1 .. 4.
    """
    if text in SCALES:
        return SCALES[text]
    names = " or ".join(SCALES)
    allowed = f"{names}, or one or more different numbers in 0.1 .. 4, such as 0.5,1,2"
    try:
        scales = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise refused(name, allowed, text) from None
    good = all(0.1 <= scale <= 4 for scale in scales) and len(set(scales)) == len(scales)
    require(good, name, allowed, text)
    return scales


def parse_size(name: str, text: str) -> Size | None:
    """Rows and columns of ``769`` or ``512x1024``; None for ``whole``.

    Raises:
        ValueError: another text, or a side of 0.
    """
    if text == WHOLE:
        return None
    sides = text.split("x")
    good = len(sides) in (1, 2) and all(side.isascii() and side.isdigit() for side in sides)
    require(good and all(map(int, sides)), name, "whole, N or ROWSxCOLUMNS", text)
    return int(sides[0]), int(sides[-1])


def _check_stride(name: str, text: str, window: str) -> None:
    """Raise a ValueError for a stride without windows, or one that would leave gaps."""
    around = parse_size("eval/window", window)
    steps = parse_size(name, text)
    fits = around and steps and all(1 <= a <= b for a, b in zip(steps, around, strict=True))
    require(bool(fits), name, f"N or ROWSxCOLUMNS, at most the window ({window})", text)
