"""The configuration of one trial: frozen, documented field by field, validated.

A field is addressed by its path: ``loss/gamma`` is ``TrialConfig.loss.gamma``. Search spaces, the
command line, the ledger and MLflow all use these paths.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from trainables.stage_config import EdgeNetConfig, InverseNetConfig
from trainables.validation import require, require_choices

Value = bool | int | float | str


def get_choices(part: type, name: str) -> tuple[Value, ...]:
    """The values that a Literal field allows."""
    return get_args(get_type_hints(part)[name])


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    dataset: str = "shapes"
    """Name of a layout in ``trainables/data``."""

    root: str = ""
    """Folder the dataset lies in; unused by the built-in one."""

    height: int = 0
    """Rows an image is resized to; 0 keeps the dataset's own size."""

    width: int = 0
    """Columns an image is resized to; 0 keeps the dataset's own size."""

    train_images: int = 0
    """Use only the first so many images of the training list; 0 uses all."""

    val_images: int = 0
    """The same for the validation list, on which trials are compared."""

    test_images: int = 0
    """The same for the test list, on which the winner is reported."""

    flip: bool = True
    """Mirror every other training image, chosen by (seed, epoch, index)."""

    def __post_init__(self) -> None:
        for name in ("height", "width", "train_images", "val_images", "test_images"):
            require(getattr(self, name) >= 0, f"data/{name}", ">= 0", getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    network: Literal["tiny", "unet", "fpn"] = "tiny"
    """``tiny``: a 16-channel U-Net of our own; the others are segmentation-models-pytorch's."""

    encoder: str = "tf_efficientnet_lite0"
    """Backbone of ``unet`` and ``fpn``: any timm name with ``features_only``."""

    weights: str = "none"
    """Backbone weights: ``none``, ``imagenet`` (timm downloads them) or the path of a file."""

    width: int = 16
    """Channels of the tiny network at full resolution."""

    def __post_init__(self) -> None:
        require_choices(self, "model")
        require(
            self.width >= 4 and self.width % 4 == 0, "model/width", "a multiple of 4", self.width
        )
        require(bool(self.weights), "model/weights", "none, imagenet or a path", self.weights)


@dataclass(frozen=True, kw_only=True, slots=True)
class LossConfig:
    """Weights of the loss terms beside cross-entropy, whose weight is 1. Zero turns a term off."""

    beta: float = 0.0
    """Weight of the boundary cross-entropy (InverseForm, Eq. 6)."""

    gamma: float = 0.0
    """Weight of the InverseForm term (Eq. 6)."""

    tile: int = 32
    """Side of the square tiles that InverseForm compares, in pixels (Eq. 5)."""

    distance: Literal["euclidean", "geodesic"] = "euclidean"
    """Of the transformation from the identity: Eq. 1 on 6 coefficients, or Eq. 3 on 8."""

    lambda_geo: float = 0.1
    """Weight of the projection residual in the geodesic distance (``lambda`` in Eq. 3)."""

    tile_reduction: Literal["sum", "mean"] = "sum"
    """``sum`` over an image's tiles (Eq. 5) or ``mean`` (the released code)."""

    edge: Literal["before_relu", "after_relu", "ppce", "multi_task"] = "before_relu"
    """What lambda_1..3 weigh (SEMEDA, Table 1): embeddings of the edge net, its output, a head."""

    lambda_1: float = 0.0
    """Weight of the edge net's first layer; the only one of ``ppce`` and ``multi_task``."""

    lambda_2: float = 0.0
    """Weight of its second layer; the paper's best is 1 here, 0 elsewhere."""

    lambda_3: float = 0.0
    """Weight of its third layer."""

    def __post_init__(self) -> None:
        require_choices(self, "loss")
        for name in ("beta", "gamma", "lambda_1", "lambda_2", "lambda_3"):
            weight = getattr(self, name)
            require(0 <= weight < float("inf"), f"loss/{name}", "a finite number >= 0", weight)
        require(self.tile >= 8, "loss/tile", ">= 8", self.tile)
        finite = 0 <= self.lambda_geo < float("inf")
        require(finite, "loss/lambda_geo", "a finite number >= 0", self.lambda_geo)


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimConfig:
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """``sgd`` has momentum 0.9."""

    lr: float = 3e-3
    """Learning rate at the start; it falls to zero by (1 - progress) ** 0.9."""

    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        require_choices(self, "optim")
        require(0 < self.lr < float("inf"), "optim/lr", "> 0", self.lr)
        require(self.weight_decay >= 0, "optim/weight_decay", ">= 0", self.weight_decay)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialConfig:
    """Everything that decides a trial's numbers, but for the data's content."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    inverse_net: InverseNetConfig = field(default_factory=InverseNetConfig)
    edge_net: EdgeNetConfig = field(default_factory=EdgeNetConfig)
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

    Where the data lies does not count, only what it holds.
    """
    flat = {path: value for path, value in flatten(config).items() if path != "data/root"}
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
