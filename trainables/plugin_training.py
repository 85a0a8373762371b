"""What a plug-in adds to how networks are trained and measured: four of its tables.

``OPTIMIZERS``, ``SCHEDULES``, ``AUGMENTATIONS`` and ``METRICS`` each map names to what ``optim/``,
``data/`` and the metrics' rooms take. Every entry is tried before it is added, and reports its
errors with the line in the user's file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import torch

from trainables.config import DataConfig, OptimConfig, Value
from trainables.config.plugin_fields import PLUGIN
from trainables.data.plugin_augmentation import (
    AUGMENTATIONS,
    Augmentation,
    try_augmentation,
)
from trainables.metrics.declared import declare
from trainables.metrics.plugin_metric import PLUGIN_METRICS, ImageMetric, try_metric
from trainables.optim.check import try_optimizer, try_schedule
from trainables.optim.optimizers import OPTIMIZERS, Groups
from trainables.optim.schedules import SCHEDULES, progress_at
from trainables.plugin_entry import add, add_fields, callable_of, named, parameters_of
from trainables.plugin_file import Plugin, located

_Make = Callable[[Groups, OptimConfig], torch.optim.Optimizer]
_Schedule = Callable[[OptimConfig, int, int], float]
_BUILD = ("groups", "lr", "weight_decay")
_AUGMENT = ("image_HWC", "labels_HW", "rng")


# The plug-in's functions take and return what their tables say.
def _with_place(
    plugin: Plugin, table: str, name: str, function: Callable[..., Any]
) -> Callable[..., Any]:
    """The function, whose errors name the line in the user's file."""

    def call(*args: object, **parameters: object) -> Any:  # noqa: ANN401
        with located(plugin, table, name, function):
            return function(*args, **parameters)

    return call


def _of_optim(
    table: str, name: str, entry: object, takes: Sequence[str]
) -> tuple[Callable[..., Any], dict[str, Value]]:
    """An entry as a function, and its parameters, which are fields of ``optim`` now."""
    function = callable_of(entry)
    defaults = parameters_of(function, takes)
    add_fields("optim", OptimConfig, named(name, defaults))
    PLUGIN.parameters[table, name] = tuple(defaults)
    return function, defaults


def add_optimizer(plugin: Plugin, module: ModuleType, name: str, entry: object) -> None:
    """``optim/optimizer=NAME``, with its parameters ``optim/NAME_PARAMETER``."""
    build, defaults = _of_optim("OPTIMIZERS", name, entry, _BUILD)
    try_optimizer(partial(build, **defaults))
    placed = _with_place(plugin, "OPTIMIZERS", name, build)
    make: _Make = partial(_optimizer, placed, name, tuple(defaults))
    add(OPTIMIZERS, name, make)
    PLUGIN.optimizers.append(name)


def _optimizer(
    build: Callable[..., torch.optim.Optimizer],
    name: str,
    keys: tuple[str, ...],
    groups: Groups,
    config: OptimConfig,
) -> torch.optim.Optimizer:
    return build(groups, config.lr, config.weight_decay, **_values(config, name, keys))


def add_schedule(plugin: Plugin, module: ModuleType, name: str, entry: object) -> None:
    """``optim/schedule=NAME``, with its parameters ``optim/NAME_PARAMETER``."""
    factor, defaults = _of_optim("SCHEDULES", name, entry, ("progress",))
    try_schedule(partial(factor, **defaults))
    placed = _with_place(plugin, "SCHEDULES", name, factor)
    schedule: _Schedule = partial(_factor, placed, name, tuple(defaults))
    add(SCHEDULES, name, schedule)
    PLUGIN.schedules.append(name)


def _factor(
    factor: Callable[..., float],
    name: str,
    keys: tuple[str, ...],
    config: OptimConfig,
    step: int,
    total_steps: int,
) -> float:
    return float(factor(progress_at(step, total_steps), **_values(config, name, keys)))


def _values(config: OptimConfig, name: str, keys: tuple[str, ...]) -> Mapping[str, Value]:
    return {key: config.plugin_field(f"{name}_{key}") for key in keys}


def add_augmentation(plugin: Plugin, module: ModuleType, name: str, entry: object) -> None:
    """``data/NAME``, its probability, and its parameters ``data/NAME_PARAMETER``."""
    function = callable_of(entry)
    defaults = parameters_of(function, _AUGMENT)
    add_fields("data", DataConfig, {name: 0.0} | named(name, defaults))
    PLUGIN.parameters["AUGMENTATIONS", name] = tuple(defaults)
    place = partial(located, plugin, "AUGMENTATIONS", name, function)
    augmentation = Augmentation(name, function, tuple(defaults), place)
    try_augmentation(augmentation, defaults)
    add(AUGMENTATIONS, name, augmentation)
    PLUGIN.augmentations.append(name)


def add_metric(plugin: Plugin, module: ModuleType, name: str, entry: object) -> None:
    """A metric of every evaluation, which ``--objective NAME`` may name."""
    if not isinstance(entry, ImageMetric):
        raise ValueError(f"must be an ImageMetric, got {entry!r}")
    if name.startswith("test_") or name.endswith("_scored"):
        raise ValueError(f"{name!r} must neither begin with test_ nor end with _scored")
    try_metric(entry)
    declare({name: entry.declared()})
    count, score = (
        _with_place(plugin, "METRICS", name, each) for each in (entry.count, entry.score)
    )
    add(PLUGIN_METRICS, name, replace(entry, count=count, score=score))
    PLUGIN.metrics.append(name)
