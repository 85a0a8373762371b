"""What networks of several tasks gain over those of one task each: Delta_m of a grid's cells."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from study.analysis.cell_values import gains_by_task, values_by_cell
from study.analysis.grid_tasks import singles_of
from study.analysis.look_results import comparisons
from study.analysis.statistics import Comparison
from study.ledger.record import StudyRecord
from trainables.config.tasks import TaskName
from trainables.metrics.catalog import DELTA_M

_ALONE = "the networks of one task each"


@dataclass(frozen=True, kw_only=True)
class TaskGain:
    """Delta_m of one cell, as fractions: positive where tasks gain by being trained together."""

    cell: str
    singles: Mapping[TaskName, str]
    """By task, the cell that trains it alone."""
    by_task: Mapping[TaskName, float]
    """The mean relative gain of each, over the units of Delta_m."""
    comparison: Comparison
    """Delta_m with 0, paired by unit."""


def task_gains(record: StudyRecord) -> tuple[TaskGain, ...]:
    """Of every cell that has a Delta_m, in the grid's order; none without single-task cells."""
    plan, found = record.plan, []
    values = {cell: by_unit for cell, by_unit in values_by_cell(record, DELTA_M).items() if by_unit}
    if not values:
        return ()
    units = sorted({unit for by_unit in values.values() for unit in by_unit})
    alone = {_ALONE: dict.fromkeys(units, 0.0)}
    compared = comparisons(record, {**alone, **values}, _ALONE, DELTA_M, "max")
    for cell in values:
        gains = gains_by_task(record, cell)
        found.append(
            TaskGain(
                cell=cell,
                singles=singles_of(plan.grid.cell(cell), plan.grid, plan.base),
                by_task={task: _mean(by_unit) for task, by_unit in gains.items()},
                comparison=compared[cell],
            )
        )
    return tuple(found)


def _mean(by_unit: Mapping[int, float]) -> float:
    return math.fsum(by_unit.values()) / len(by_unit)
