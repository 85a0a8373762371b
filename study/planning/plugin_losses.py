"""Tries a plug-in's losses with every parameter that a new study may give them, before it starts.

A loss can be fine with its defaults and have no gradient in a part of its own search space: its
trials there would diverge one by one, and the search would learn that the region is bad.
"""

from collections.abc import Callable, Iterator
from functools import partial

from search_spaces import Space
from study.ledger.design import Ablation, Search
from trainables import plugin
from trainables.config import LossConfig, TrialConfig, Value
from trainables.config.plugin_fields import PLUGIN
from trainables.losses.batch import Prediction, Target
from trainables.losses.check import try_extremes
from trainables.losses.term import LossTerm
from trainables.plugin import parameters_of

_DRAWS = 33
"""Of a search: any stretch of a dimension longer than a 32nd of it holds one."""


def try_plugin_losses(space: Space, base: TrialConfig, design: Search | Ablation) -> None:
    """Try each of the plug-in's losses that has a weight, with all that the study varies.

    Raises:
        ValueError: one line with the file, the line in it, what is wrong and with which parameters.
    """
    file = plugin.installed()
    if file is None:
        return
    losses = plugin.table_of(file, plugin.install(file), "LOSSES")
    tried = set()
    for config in _configs(space, base, design):
        for name in PLUGIN.weights:
            loss = losses[name]
            assert callable(loss), "install() has called it"
            given = {key: config.plugin_field(f"{name}_{key}") for key in parameters_of(loss)}
            trial = (name, *given.values())
            if float(config.plugin_field(name)) > 0 and trial not in tried:
                tried.add(trial)
                with plugin.located(file, "LOSSES", name, loss):
                    _try(name, partial(loss, **given), given)


def _configs(space: Space, base: TrialConfig, design: Search | Ablation) -> Iterator[LossConfig]:
    """The base of all trials with what a search draws, from end to end, or with each cell."""
    spaces = [space]
    if isinstance(design, Ablation):
        spaces = [cell.space() for cell in design.grid.cells if not cell.needs]
    for varied in spaces:
        for chosen in varied.spread(_DRAWS if varied.dimensions else 1):
            yield base.changed({**varied.base, **chosen}).loss


def _try(
    name: str, loss: Callable[[Prediction, Target], LossTerm], given: dict[str, Value]
) -> None:
    try:
        try_extremes(loss)
    except ValueError as error:
        values = ", ".join(f"loss/{name}_{key}={value}" for key, value in given.items())
        named = ValueError(f"{error}, with {values}" if given else str(error))
        raise named.with_traceback(error.__traceback__) from None  # it leads to the file's line
