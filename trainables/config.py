"""The configuration of one trial: frozen, documented field by field, validated.

A field is addressed by its path: ``loss/gamma`` is ``TrialConfig.loss.gamma``. Search spaces, the
command line, the ledger and MLflow all use these paths.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from trainables.config_parts import (
    DataConfig,
    ModelConfig,
    OptimConfig,
    Value,
    get_choices,
    require,
)
from trainables.config_parts import require_choices as _require_choices
from trainables.losses.schedule import parse_schedules

__all__ = ["DataConfig", "InverseNetConfig", "LossConfig", "ModelConfig", "OptimConfig",
           "TrialConfig", "Value", "field_types", "flatten", "from_flat", "get_choices", "identity",
           "parse", "require"]  # fmt: skip

_PLACES = ("data/root", "data/cache")


@dataclass(frozen=True, kw_only=True, slots=True)
class LossConfig:
    """Weights of the loss terms and their settings. A weight of zero turns a term off."""

    xe: float = 1.0
    """Weight of the cross-entropy; the papers' sums all have it at 1."""

    class_weights: Literal["none", "frequency"] = "none"
    """``frequency``: 2 - a class's share of the image, as GSCNN and InverseForm's code weigh it."""

    beta: float = 0.0
    """Weight of the boundary cross-entropy (InverseForm, Eq. 6)."""

    gamma: float = 0.0
    """Weight of the InverseForm term (Eq. 6)."""

    tile: int = 32
    """Side of the square tiles that InverseForm compares, in pixels (Eq. 5)."""

    tile_reduction: Literal["sum", "mean"] = "sum"
    """``sum`` over an image's tiles (Eq. 5) or ``mean`` (the released code)."""

    resize: Literal["none", "672x1344"] = "none"
    """What InverseForm's maps are resized to; the released code has 672x1344, with tile 224."""

    boundary: Literal["sobel", "radius"] = "sobel"
    """InverseForm's boundary labels: the paper's filter, or 2 pixels around (released)."""

    lovasz: float = 0.0
    """Weight of the Lovasz-softmax: ``IoU`` in Active Boundary Loss, Eq. 5."""

    lovasz_classes: Literal["present", "all"] = "present"
    """Which classes the Lovasz-softmax averages."""

    lovasz_per_image: bool = True
    """Rank each image's pixels alone; the other way, the value depends on the batch's make-up."""

    w_a: float = 0.0
    """Weight of the Active Boundary Loss (Eq. 5): 1.0 for ADE20K, 1.5 for Cityscapes."""

    theta: float = 20.0
    """Pixels from the boundary at which ABL's weight stops growing (Eq. 4)."""

    detach: bool = True
    """ABL's conflict suppression: no gradient to the neighbours."""

    abl_smoothing: float = 0.2
    """ABL's label smoothing: what the true direction gives to the other seven."""

    abl_ratio: float = 0.01
    """The share of an image's pixels that ABL takes for predicted boundary."""

    fkl: float = 0.0
    """Weight of the full Kullback-Leibler loss (Active Boundary Loss, Eq. 7)."""

    gdl: float = 0.0
    """Weight of the generalised Dice loss."""

    bl: float = 0.0
    """Weight of Kervadec's boundary loss."""

    region_classes: Literal["all", "foreground"] = "all"
    """The classes of ``gdl`` and ``bl``; ``foreground`` leaves out class 0."""

    alpha: Literal["none", "linear", "stealing"] = "none"
    """alpha GDL + (1 - alpha) (BL or ABL): alpha falls from 1 to 0.01, or by theft."""

    edge: Literal["before_relu", "after_relu", "ppce", "multi_task"] = "before_relu"
    """What lambda_1..3 weigh (SEMEDA, Table 1): embeddings of the edge net, its output, a head."""

    lambda_1: float = 0.0
    """Weight of the edge net's first layer; the only one of ``ppce`` and ``multi_task``."""

    lambda_2: float = 0.0
    """Weight of its second layer; the paper's best is 1 here, 0 elsewhere."""

    lambda_3: float = 0.0
    """Weight of its third layer."""

    ar: float = 0.0
    """Weight of the Affinity Regression loss (lambda there): 0.1 in the paper."""

    ar_kernel: Literal["square_root", "dot_product"] = "square_root"
    """How AR compares two distributions; ``dot_product`` is what the paper argues against."""

    schedule: str = ""
    """Rules for weights over training (``losses/schedule.py``), such as ``w_a from 0.8``."""

    variant: Literal["paper", "released"] = "paper"
    """Which reading, where the authors' code differs from their paper."""

    def __post_init__(self) -> None:
        _require_choices(self, "loss")
        weights = ("xe", "beta", "gamma", "lovasz", "w_a", "fkl", "gdl", "bl", "ar")
        for name in (*weights, "lambda_1", "lambda_2", "lambda_3"):
            weight = getattr(self, name)
            require(0 <= weight < float("inf"), f"loss/{name}", "a finite number >= 0", weight)
        require(self.tile >= 8, "loss/tile", ">= 8", self.tile)
        require(0 < self.theta < float("inf"), "loss/theta", "a finite number > 0", self.theta)
        require(0 <= self.abl_smoothing < 1, "loss/abl_smoothing", "in [0, 1)", self.abl_smoothing)
        require(0 < self.abl_ratio <= 1, "loss/abl_ratio", "in (0, 1]", self.abl_ratio)
        if self.edge in ("ppce", "multi_task"):
            for name in ("lambda_2", "lambda_3"):
                only = f"0 with loss/edge {self.edge}, which has no layers"
                require(getattr(self, name) == 0, f"loss/{name}", only, getattr(self, name))
        if self.resize != "none":
            allowed = "none unless loss/variant is released"
            require(self.variant == "released", "loss/resize", allowed, self.resize)
        try:
            rules = parse_schedules(self.schedule)
        except ValueError as error:
            raise ValueError(f"loss/{error}") from None
        if self.alpha != "none":
            free = not {"gdl", "bl", "w_a"} & rules.keys()
            require(free, "loss/schedule", "without gdl, bl, w_a beside loss/alpha", self.schedule)


@dataclass(frozen=True, kw_only=True, slots=True)
class InverseNetConfig:
    """How the inverse-transformation network is trained, once, before the trials (a stage)."""

    hidden: int = 256
    """Units of its two hidden layers."""

    steps: int = 1500
    """Optimiser steps."""

    batch: int = 128
    """Pairs of tiles a step."""

    lr: float = 1e-3
    """Peak learning rate of Adam, under a one-cycle schedule."""

    seed: int = 0
    """Of its weights and pairs; its own, so that trials with different seeds share the network."""

    def __post_init__(self) -> None:
        for name in ("hidden", "steps", "batch"):
            require(getattr(self, name) >= 1, f"inverse_net/{name}", ">= 1", getattr(self, name))
        require(self.lr > 0, "inverse_net/lr", "> 0", self.lr)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialConfig:
    """Everything that decides a trial's numbers, but for the data's content."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    inverse_net: InverseNetConfig = field(default_factory=InverseNetConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)

    epochs: int = 6
    """Passes over the training images; schedules are laid over this many."""

    batch: int = 8
    """Images a step, over all ranks together."""

    seed: int = 0
    """Of the initial weights, the order of the images and the augmentation."""

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "epochs", ">= 1", self.epochs)
        require(self.batch >= 1, "batch", ">= 1", self.batch)
        require(self.seed >= 0, "seed", ">= 0", self.seed)

    def changed(self, changes: Mapping[str, Value]) -> "TrialConfig":
        """A copy with the fields at these paths replaced.

        Raises:
            ValueError: an unknown path, a value of another type, or one out of its range.
        """
        return from_flat({**flatten(self), **changes})


def flatten(config: TrialConfig) -> dict[str, Value]:
    """The config as ``{path: value}``, in the order of the fields."""
    flat: dict[str, Value] = {}
    for name, value in asdict(config).items():
        if isinstance(value, dict):
            flat.update({f"{name}/{inner}": inner_value for inner, inner_value in value.items()})
        else:
            flat[name] = value
    return flat


def field_types() -> dict[str, type]:
    """Every path with the type of its field; a Literal counts as the type of its choices."""
    types: dict[str, type] = {}
    for name, hint in get_type_hints(TrialConfig).items():
        if is_dataclass(hint):
            inner = get_type_hints(hint)
            types.update({f"{name}/{key}": _plain_type(inner[key]) for key in inner})
        else:
            types[name] = hint
    return types


def _plain_type(hint: Any) -> type:
    return type(get_args(hint)[0]) if get_origin(hint) is Literal else hint


def parse(path: str, text: str) -> Value:
    """The value that a command line's ``path=text`` means.

    Raises:
        ValueError: an unknown path, or a text that is no value of that field's type.
    """
    kind = _type_of(path)
    if kind is bool:
        require(text.lower() in ("true", "false"), path, "true or false", text)
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{path} must be {_spoken(kind)}, got {text!r}") from None


def from_flat(flat: Mapping[str, Value]) -> TrialConfig:
    """The config with these values; paths that are not given keep their defaults."""
    parts: dict[str, dict[str, Value]] = {}
    top: dict[str, Any] = {}
    for path, value in flat.items():
        checked = _checked(path, value)
        if "/" in path:
            part, name = path.split("/")
            parts.setdefault(part, {})[name] = checked
        else:
            top[path] = checked
    default = TrialConfig()
    for part, values in parts.items():
        top[part] = replace(getattr(default, part), **values)
    return replace(default, **top)


def identity(config: TrialConfig, data_digest: str) -> str:
    """Twelve hex digits that name a trial by its content: the same content, the same name.

    Where the data lies and whether it is kept in memory does not count, only what it holds.
    """
    flat = {path: value for path, value in flatten(config).items() if path not in _PLACES}
    text = json.dumps([flat, data_digest], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _type_of(path: str) -> type:
    types = field_types()
    if path not in types:
        part = path.split("/")[0]
        near = [known for known in types if known.split("/")[0] == part] or sorted(
            {field.name for field in fields(TrialConfig)}
        )
        raise ValueError(f"unknown config path {path!r}; have {', '.join(near)}")
    return types[path]


def _checked(path: str, value: Value) -> Value:
    kind = _type_of(path)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    exact = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    require(exact, path, _spoken(kind), value)
    return value


def _spoken(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[kind]
