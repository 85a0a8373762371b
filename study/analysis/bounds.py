"""Whether a search's optimum lies at an end of a searched range: the best may lie beyond it."""

import math
from collections.abc import Mapping, Sequence

from optuna.distributions import FloatDistribution, IntDistribution

from search_spaces import BUILT_IN, Dimension
from study.analysis.finding import Finding
from study.analysis.ranking import ranking
from study.analysis.recorded_space import space_of
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.words import counted

END, NEAR = 0.05, 0.25
"""Shares of a range: the best trial within the first, most of the best third within the second."""
_FEWEST = 5
"""Complete trials; of fewer, the best is at an end by chance."""


def at_a_bound(record: StudyRecord) -> list[Finding]:
    """The searched ranges, also of cells' own searches, at whose end the best trial lies.

    One trial alone may lie there by chance: most of the best third have to be near the same end.
    A choice among names has no ends.
    """
    design = record.plan.design
    if len(record.plan.objectives) > 1:
        return []
    if not design.cells:
        known = record.plan.space in BUILT_IN or bool(record.plan.search.dimensions)
        dimensions = space_of(record).dimensions if known else ()
        return _of_search(record, dimensions, "")
    return [
        found
        for cell in design.cells
        if cell.searched
        for found in _of_search(_search_of(record, cell.name), cell.searched, f" of {cell.name}")
    ]


def _search_of(record: StudyRecord, cell: str) -> StudyRecord:
    """A cell's search as a study of its own."""
    trials = {
        number: trial
        for number, trial in record.trials.items()
        if trial.phase == "search" and trial.cell == cell
    }
    return StudyRecord(planned=record.planned, trials=trials)


def _of_search(record: StudyRecord, dimensions: Sequence[Dimension], whose: str) -> list[Finding]:
    trials = [trial for trial in ranking(record) if trial.state == "complete"]
    if len(trials) < _FEWEST:
        return []
    found = (_of_dimension(trials, dimension, whose) for dimension in dimensions)
    return [finding for finding in found if finding is not None]


def _of_dimension(
    ranked: Sequence[TrialRecord], dimension: Dimension, whose: str
) -> Finding | None:
    best = ranked[: max(2, math.ceil(len(ranked) / 3))]
    places = [place_in_range(dimension, trial.params) for trial in best]
    first = places[0]
    if first is None or END < first < 1 - END:
        return None
    low = first <= END
    near = [p is not None and (p <= NEAR if low else p >= 1 - NEAR) for p in places]
    if 2 * sum(near) <= len(near):
        return None
    value = best[0].params[dimension.path]
    return Finding(
        f"the best trial{whose} has {dimension.path} {value:g} at the {'lower' if low else 'upper'}"
        f" end of {dimension.bounds()}, and {sum(near)} of the {counted(len(best), 'best trial')} "
        f"are near it",
        "widen the range beyond it",
    )


def place_in_range(dimension: Dimension, params: Mapping[str, Value]) -> float | None:
    """Where a trial's value lies in its range, from 0 to 1; None for a choice, and if the trial
    does not have it."""
    value = params.get(dimension.path)
    match dimension.distribution:
        case FloatDistribution(low=low, high=high, log=log):
            pass
        case IntDistribution(low=low, high=high, log=log):
            pass
        case _:
            return None
    if value is None or isinstance(value, str) or low == high:
        return None
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)
