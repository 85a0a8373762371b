"""The space of a record, without the plug-in that may have defined it."""

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search_spaces import BUILT_IN, Dimension, Space
from study.ledger.design import Search
from study.ledger.record import StudyRecord
from trainables.config import Value


def space_of(record: StudyRecord) -> Space:
    """Edgewise's own space of that name, or the plug-in's as its plan describes it.

    A report never executes a plug-in. In ledgers from before plans described such a space, its
    bounds are the smallest and largest value that was drawn, also where the plug-in happens to be
    installed: the same ledger gives the same report.
    """
    plan = record.plan
    if plan.space in BUILT_IN:
        return plan.known_space()
    if isinstance(plan.design, Search) and plan.design.dimensions:
        return Space(name=plan.space, question=plan.question, dimensions=plan.design.dimensions)
    drawn: dict[str, list[Value]] = {}
    for trial in record.trials.values():
        for path, value in trial.params.items():
            drawn.setdefault(path, []).append(value)
    dimensions = tuple(
        Dimension(path=path, distribution=_around(values), why="as drawn")
        for path, values in drawn.items()
    )
    return Space(name=plan.space, question=plan.question, dimensions=dimensions)


def _around(values: list[Value]) -> BaseDistribution:
    """The narrowest distribution that holds the values."""
    if any(isinstance(value, bool | str) for value in values):
        return CategoricalDistribution(sorted(set(values), key=str))
    numbers = [value for value in values if not isinstance(value, str)]
    if all(isinstance(value, int) for value in numbers):
        return IntDistribution(int(min(numbers)), int(max(numbers)))
    return FloatDistribution(float(min(numbers)), float(max(numbers)))
