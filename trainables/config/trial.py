"""The configuration of one trial: frozen, validated, with a docstring for each field.

A field is addressed by its path: ``loss/gamma`` is ``TrialConfig.loss.gamma``. Search spaces, the
command line, the ledger and MLflow all use these paths.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from trainables.config import earlier
from trainables.config.data import DataConfig
from trainables.config.evaluation import EvalConfig
from trainables.config.films import require_films
from trainables.config.loss import LEAST_TILE, LossConfig
from trainables.config.model import ModelConfig
from trainables.config.optim import OptimConfig
from trainables.config.plugin_fields import PLUGIN, SECTIONS, Added
from trainables.config.refine import DenseCRFConfig, RefineConfig, SegFixConfig
from trainables.config.stages import EdgeNetConfig, InverseNetConfig
from trainables.config.task_checks import require_losses, require_no_leak
from trainables.config.task_network import require_attention, require_network
from trainables.config.tasks import TaskConfig
from trainables.config.validation import Value, hints_of, refused, require


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialConfig:
    """Everything that decides a trial's results, except the content of the data."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    inverse_net: InverseNetConfig = field(default_factory=InverseNetConfig)
    edge_net: EdgeNetConfig = field(default_factory=EdgeNetConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    refine: RefineConfig = field(default_factory=RefineConfig)
    segfix: SegFixConfig = field(default_factory=SegFixConfig)
    dense_crf: DenseCRFConfig = field(default_factory=DenseCRFConfig)

    epochs: int = 5
    """Passes over the training images; schedules run over this many."""

    batch: int = 8
    """Images per step, all ranks together."""

    seed: int = 0
    """Of the initial weights, the order of the images and the augmentation."""

    parts: str = ""
    """Digest of the plug-in (``--with``) that the trial runs with; "" for none."""

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "epochs", ">= 1", self.epochs)
        require(self.batch >= 1, "batch", ">= 1", self.batch)
        extra, allowed = self.data.extra_epochs, f"less than the {self.epochs} epochs"
        require(extra < self.epochs, "data/extra_epochs", allowed, extra)
        require(self.seed >= 0, "seed", ">= 0", self.seed)
        read = {"semseg", *self.data.target_names}
        have = f"only tasks whose maps data/targets has ({','.join(sorted(read))})"
        require({*self.task.names} <= read, "task/tasks", have, self.task.tasks)
        further = self.task.auxiliary
        require({*self.task.auxiliary_names} <= read, "task/auxiliary", have, further)
        require_no_leak(self.task, self.data)
        segments, method = "semseg" in self.task.names, self.refine.method
        without = f"none without the task semseg, here task/tasks {self.task.tasks}"
        require(segments or method == "none", "refine/method", without, method)
        if not self.task.only_segments:
            require_losses(self.task, self.loss)
        require_network(self.task, self.model)
        require_attention(self.task, self.model, self.loss)
        require_films(self.data, self.model, self.task, self.eval, self.refine)
        if self.loss.tile_share:
            rows = self.data.crop_height or self.data.height or self.loss.resized
            require(bool(rows), "loss/tile_share", "0 without data/height", self.loss.tile_share)
            side = f"a share of at least {LEAST_TILE} px, here {self.tile_px} px"
            require(self.tile_px >= LEAST_TILE, "loss/tile_share", side, self.loss.tile_share)
        if self.loss.correlation:
            reach, side = self.loss.correlation_reach, f"less than the tile's {self.tile_px} px"
            require(reach < self.tile_px, "loss/correlation_reach", side, reach)
        known = self.parts in ("", PLUGIN.digest)
        require(known, "parts", "the digest of the file given by --with", self.parts)

    @property
    def tile_px(self) -> int:
        """The side of InverseForm's tiles in pixels."""
        return self.loss.tile_px(self.data.crop_height or self.data.height)

    def changed(self, changes: Mapping[str, Value]) -> "TrialConfig":
        """A copy with the fields at these paths replaced.

        Raises:
            ValueError: an unknown path, a value of another type, or a value out of its range.
        """
        return from_flat({**flatten(self), **changes})


def flatten(config: TrialConfig) -> dict[str, Value]:
    """The config as ``{path: value}``, in the order of the fields."""
    flat: dict[str, Value] = {}
    for name, value in asdict(config).items():
        if name in SECTIONS:
            value |= {**PLUGIN.fields_of(name), **dict(value.pop("added"))}
        if isinstance(value, dict):
            flat.update({f"{name}/{inner}": inner_value for inner, inner_value in value.items()})
        else:
            flat[name] = value
    return flat


def field_types() -> Mapping[str, type]:
    """The type of the field at every path; for a Literal, the type of its choices."""
    added = {
        f"{section}/{name}": type(value)
        for section in SECTIONS
        for name, value in PLUGIN.fields_of(section).items()
    }
    return {**_declared_types(), **added} if added else _declared_types()


@cache
def _declared_types() -> Mapping[str, type]:
    types: dict[str, type] = {}
    for name, hint in hints_of(TrialConfig).items():
        if isinstance(hint, type) and is_dataclass(hint):
            inner = hints_of(hint)
            types.update({f"{name}/{key}": _plain_type(inner[key]) for key in inner})
        else:
            types[name] = _plain_type(hint)
    for section in SECTIONS:
        del types[f"{section}/added"]
    return types


def _plain_type(hint: object) -> type:
    if isinstance(hint, type):
        return hint
    choices = get_args(hint)
    return type(choices[0])


def parse(path: str, text: str) -> Value:
    """The value of ``path=text`` on the command line.

    Raises:
        ValueError: an unknown path, or a text that does not parse as that field's type.
    """
    kind = type_of(path)
    if kind is bool:
        require(text.lower() in ("true", "false"), path, "true or false", text)
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        raise refused(path, _described(kind), text) from None


def from_flat(flat: Mapping[str, Value]) -> TrialConfig:
    """The config with these values; all other paths keep their defaults.

    A complete config of an earlier version means what it meant there.
    """
    sections: dict[str, dict[str, Any]] = {}
    top: dict[str, Any] = {}
    for path, value in earlier.translated(flat).items():
        checked = _checked(path, value)
        if "/" in path:
            section, name = path.split("/")
            sections.setdefault(section, {})[name] = checked
        else:
            top[path] = checked
    default = TrialConfig()
    for section in sections.keys() & {*SECTIONS}:
        sections[section]["added"] = _take_plugin_fields(section, sections[section])
    for section, values in sections.items():
        top[section] = replace(getattr(default, section), **values)
    return replace(default, **top)


def _take_plugin_fields(section: str, values: dict[str, Value]) -> Added:
    """Remove the plug-in's fields from those of a section; return the ones that are not default."""
    defaults = PLUGIN.fields_of(section)
    added = {name: values.pop(name) for name in defaults if name in values}
    return tuple((name, value) for name, value in added.items() if value != defaults[name])


def type_of(path: str) -> type:
    """The type of the field at ``path``.

    Raises:
        ValueError: there is no such field; the message suggests the nearest one.
    """
    types = field_types()
    if path not in types:
        section = path.split("/")[0]
        near = [known for known in types if known.split("/")[0] == section] or sorted(
            {field.name for field in fields(TrialConfig)}
        )
        close = get_close_matches(path, types, n=1)
        nearest = f"; did you mean {close[0]}" if close else ""
        raise ValueError(f"unknown config path {path!r}{nearest}; have {', '.join(near)}")
    return types[path]


def _checked(path: str, value: Value) -> Value:
    kind = type_of(path)
    # YAML and the command line may give 1 for 1.0; but True is an int as well.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    exact = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    require(exact, path, _described(kind), value)
    return value


def _described(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[kind]
