"""Tries a plug-in's parts with every parameter that a new study may give them, before it starts.

A loss can be fine with its defaults and have no gradient in a part of its own search space: its
trials there would diverge one by one, and the search would learn that the region is bad.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from search_spaces import Space
from study.ledger.design import Ablation, Search
from trainables import plugin
from trainables.config import TrialConfig, Value
from trainables.config.plugin_fields import PLUGIN
from trainables.data.plugin_augmentation import AUGMENTATIONS, try_augmentation
from trainables.losses.check import try_extremes
from trainables.optim.check import try_optimizer, try_schedule

_DRAWS = 33
"""Of a search: any stretch of a dimension longer than a 32nd of it holds one."""


class _Use(NamedTuple):
    """An entry of one of the plug-in's tables, as a config uses it."""

    table: str
    name: str
    parameters: dict[str, Value]
    """By path."""
    given: dict[str, Value]
    """The same by the names that the entry has for them."""


def try_plugin(space: Space, base: TrialConfig, design: Search | Ablation) -> None:
    """Try each of the plug-in's parts that a trial uses, with all that the study varies.

    Raises:
        ValueError: one line with the file, the line in it, what is wrong and with which parameters.
    """
    file = plugin.installed()
    if file is None:
        return
    module, tried = plugin.install(file), set[object]()
    for config in _configs(space, base, design):
        for use in _uses(config):
            trial = (use.table, use.name, *use.given.values())
            if trial not in tried:
                tried.add(trial)
                entry = plugin.table_of(file, module, use.table)[use.name]
                assert callable(entry), "install() has called it"
                with plugin.located(file, use.table, use.name, entry):
                    _try(use, entry)


def _configs(space: Space, base: TrialConfig, design: Search | Ablation) -> Iterator[TrialConfig]:
    """The base of all trials with what a search draws, from end to end, or with each cell."""
    spaces = [space]
    if isinstance(design, Ablation):
        spaces = [cell.space() for cell in design.grid.cells if not cell.needs]
    for varied in spaces:
        for chosen in varied.spread(_DRAWS if varied.dimensions else 1):
            yield base.changed({**varied.base, **chosen})


def _uses(config: TrialConfig) -> Iterator[_Use]:
    loss, optim, data = config.loss, config.optim, config.data
    for name in PLUGIN.weights:
        if float(loss.plugin_field(name)) > 0:
            yield _use("LOSSES", "loss", name, loss.plugin_field)
    if optim.optimizer in PLUGIN.optimizers:
        yield _use("OPTIMIZERS", "optim", optim.optimizer, optim.plugin_field)
    if optim.schedule in PLUGIN.schedules:
        yield _use("SCHEDULES", "optim", optim.schedule, optim.plugin_field)
    for name in PLUGIN.augmentations:
        if float(data.plugin_field(name)) > 0:
            yield _use("AUGMENTATIONS", "data", name, data.plugin_field)


def _use(table: str, section: str, name: str, value: Callable[[str], Value]) -> _Use:
    keys = PLUGIN.parameters[table, name]
    given = {key: value(f"{name}_{key}") for key in keys}
    paths = {f"{section}/{name}_{key}": found for key, found in given.items()}
    return _Use(table, name, paths, given)


def _try(use: _Use, entry: Callable[..., object]) -> None:
    bound = partial(entry, **use.given)
    attempts: dict[str, Callable[[], None]] = {
        "LOSSES": lambda: try_extremes(bound),  # type: ignore[arg-type]
        "OPTIMIZERS": lambda: try_optimizer(bound),  # type: ignore[arg-type]
        "SCHEDULES": lambda: try_schedule(bound),
        "AUGMENTATIONS": lambda: try_augmentation(AUGMENTATIONS[use.name], use.given),
    }
    try:
        attempts[use.table]()
    except ValueError as error:
        values = ", ".join(f"{path}={value}" for path, value in use.parameters.items())
        text = f"{error}, with {values}" if values else str(error)
        raise ValueError(text).with_traceback(error.__traceback__) from None  # leads to the line
