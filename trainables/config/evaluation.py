"""The section ``eval`` of a trial's configuration: how networks are evaluated.

The fields without ``val_`` decide the test; validation follows them unless ``val_...`` differs.
"""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import refused, require, require_choices

WHOLE = "whole"
"""The value of ``eval/window`` for complete images."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    scales: str = "1"
    """Factors that images are resized by, such as ``0.5,0.75,1,1.25``; probabilities are averaged.
    ABL's are 0.5,0.75,1,1.25,1.5,1.75,2 for Cityscapes and the same without 2 for ADE20K."""

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

    terms: str = ""
    """Loss terms that validation measures beside those that are trained, such as
    ``affinity_regression`` (``val/affinity_regression``); ``none``: no terms at all."""

    checkpoint: Literal["last", "best"] = "last"
    """Which network is measured: after the last epoch, or of the epoch that was best in the
    objective on the validation list."""

    def __post_init__(self) -> None:
        require_choices(self, "eval")
        for prefix in ("", "val_"):
            scales, window = getattr(self, f"{prefix}scales"), getattr(self, f"{prefix}window")
            stride = getattr(self, f"{prefix}stride")
            if scales or not prefix:
                parse_scales(f"eval/{prefix}scales", scales)
            if window or not prefix:
                parse_size(f"eval/{prefix}window", window)
            if stride:
                _check_stride(f"eval/{prefix}stride", stride, window or self.window)


def parse_scales(name: str, text: str) -> tuple[float, ...]:
    """The numbers of ``0.5,1,2``.

    Raises:
        ValueError: a text that is not one or more different numbers in 0.1 .. 4.
    """
    allowed = "one or more different numbers in 0.1 .. 4, such as 0.5,1,2"
    try:
        scales = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise refused(name, allowed, text) from None
    good = all(0.1 <= scale <= 4 for scale in scales) and len(set(scales)) == len(scales)
    require(good, name, allowed, text)
    return scales


def parse_size(name: str, text: str) -> tuple[int, int] | None:
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
