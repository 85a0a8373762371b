"""Runs that are far worse than the others of their cell: networks that lost a class, say.

A mean over both kinds of run describes neither, and its error over seeds is that of neither.
"""

import math
import statistics
from collections.abc import Mapping

from study.analysis.cell_values import ByUnit, trials_by_cell, values_by_cell
from study.analysis.finding import Finding, figure
from study.ledger.record import StudyRecord
from trainables.config.words import counted
from trainables.metrics.catalog import METRICS

RATIO = 8.0
"""The gap below the other runs, in ranges of these. Of six normal figures, fewer than 1 in 1,000
cells have such a gap by chance."""
FEWEST = 4
"""Runs that the outliers of a cell are compared with; always more than there are outliers."""


def outliers(record: StudyRecord, metric: str) -> dict[str, tuple[int, ...]]:
    """By cell that has outliers, their units (a seed, or a fold and a seed).

    A run is judged by its figure less the median over cells on the same unit: a unit that is hard
    for every cell makes no outlier, and the baseline's outlier is not one of the other cells.
    """
    values, sign = values_by_cell(record, metric), 1 if METRICS[metric].direction == "max" else -1
    units = {unit for by_unit in values.values() for unit in by_unit}
    middle = {
        unit: statistics.median(by_unit[unit] for by_unit in values.values() if unit in by_unit)
        for unit in units
    }
    found = {
        cell: far_below({unit: sign * (value - middle[unit]) for unit, value in by_unit.items()})
        for cell, by_unit in values.items()
    }
    return {cell: far for cell, far in found.items() if far}


def far_below(by_unit: Mapping[int, float]) -> tuple[int, ...]:
    """The units of the lowest figures, if a gap of ``RATIO`` ranges of the others lies above them.

    None where the others do not vary, or a figure is not finite.
    """
    ordered = sorted(by_unit, key=by_unit.__getitem__)
    if not all(map(math.isfinite, by_unit.values())):
        return ()
    most = min(len(ordered) - FEWEST, (len(ordered) - 1) // 2)
    for count in range(most, 0, -1):
        lowest, highest = by_unit[ordered[count]], by_unit[ordered[-1]]
        gap = lowest - by_unit[ordered[count - 1]]
        if gap > RATIO * (highest - lowest) > 0:
            return tuple(sorted(ordered[:count]))
    return ()


def outlying(record: StudyRecord) -> list[Finding]:
    """Cells with outliers in the objective."""
    metric = record.plan.objective
    values, found = values_by_cell(record, metric), outliers(record, metric)
    numbers = {
        (cell, trial.unit): trial.number
        for cell, trials in trials_by_cell(record).items()
        for trial in trials
    }
    return [
        _finding(
            cell, {numbers[cell, unit]: values[cell][unit] for unit in far}, values[cell], metric
        )
        for cell, far in found.items()
    ]


def _finding(cell: str, far: Mapping[int, float], by_unit: ByUnit, metric: str) -> Finding:
    """``far``: by number of the trial."""
    others = sorted(set(by_unit.values()) - set(far.values()))
    figures = ", ".join(f"trial {number} {figure(metric, far[number])}" for number in far)
    return Finding(
        f"{len(far)} of {counted(len(by_unit), 'run')} of {cell} far worse than the others in "
        f"{metric}: {figures}, the others {figure(metric, others[0])} to "
        f"{figure(metric, others[-1])}",
        "look at the classes that it predicts: the mean over both kinds of run describes neither",
    )
