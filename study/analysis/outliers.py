"""Runs that are far worse than the others of their cell: networks that lost a class, say.

A mean over both kinds of run describes neither, and its error over seeds is that of neither.
"""

import math
from collections import Counter
from collections.abc import Mapping

from study.analysis.cell_values import trials_by_cell, values_by_cell
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

    A unit on which most cells that ran it are far worse than on others is hard, and no outlier.
    """
    values, sign = values_by_cell(record, metric), 1 if METRICS[metric].direction == "max" else -1
    far = {
        cell: far_below({unit: sign * value for unit, value in by_unit.items()})
        for cell, by_unit in values.items()
    }
    ran = Counter(unit for by_unit in values.values() for unit in by_unit)
    lost = Counter(unit for units in far.values() for unit in units)
    hard = {unit for unit, count in lost.items() if 2 * count > ran[unit] > 1}
    found = {cell: tuple(unit for unit in units if unit not in hard) for cell, units in far.items()}
    return {cell: units for cell, units in found.items() if units}


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
            f"{len(far)} of {counted(len(values[cell]), 'run')} of {cell}",
            {numbers[cell, unit]: values[cell][unit] for unit in far},
            [value for unit, value in values[cell].items() if unit not in far],
            metric,
        )
        for cell, far in found.items()
    ]


def _finding(which: str, far: Mapping[int, float], others: list[float], metric: str) -> Finding:
    """``far``: by number of the trial."""
    figures = ", ".join(f"trial {number} {figure(metric, value)}" for number, value in far.items())
    ends = " to ".join(figure(metric, end) for end in (min(others), max(others)))
    return Finding(
        f"{which} far worse than the others in {metric}: {figures}, the others {ends}",
        "look at the classes that it predicts: the mean over both kinds of run describes neither",
    )
