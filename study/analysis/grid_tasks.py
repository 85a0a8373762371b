"""The tasks of a grid's cells, and which cells are the single-task baselines of which others."""

from collections.abc import Mapping

from search_spaces import Cell, Grid
from trainables.config import Value
from trainables.config.tasks import TaskName, tasks_in
from trainables.metrics.catalog import DELTA_M, METRICS

_TASKS = "task/tasks"
Base = Mapping[str, Value]
"""The config that all cells share, flat; one of an older version has no tasks, and segments."""


def tasks_of(cell: Cell, base: Base) -> tuple[TaskName, ...]:
    """The tasks that a cell's networks predict."""
    return tasks_in({**base, **cell.changes})


def singles_of(cell: Cell, grid: Grid, base: Base) -> dict[TaskName, str]:
    """By task of a cell of several tasks, the cell that trains this task alone; empty unless every
    task has one.

    Of several such cells it is the one with the fewest other changes, all of which ``cell`` makes,
    too: the plain network rather than one with a further loss. A task's only one needs no choice.
    """
    tasks = tasks_of(cell, base)
    if len(tasks) < 2:
        return {}
    found = {task: _single(task, cell, grid, base) for task in tasks}
    return {task: name for task, name in found.items() if name} if all(found.values()) else {}


def _single(task: TaskName, cell: Cell, grid: Grid, base: Base) -> str:
    alone = [c for c in grid.cells if not c.needs and tasks_of(c, base) == (task,)]
    if len(alone) > 1:
        alone = [other for other in alone if _others(other).items() <= _others(cell).items()]
    return min(alone, key=lambda other: len(_others(other))).name if alone else ""


def _others(cell: Cell) -> dict[str, Value]:
    return {path: value for path, value in cell.changes.items() if path != _TASKS}


def lacks(cell: Cell, grid: Grid, base: Base, metric: str) -> bool:
    """Whether a cell's networks cannot have the metric: the task is not theirs, or for Delta_m, the
    grid has no network of each task alone."""
    if metric == DELTA_M:
        return not singles_of(cell, grid, base)
    return METRICS[metric].task not in tasks_of(cell, base)
