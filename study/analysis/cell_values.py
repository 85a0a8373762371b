"""The figures of a comparison's cells, by unit: a seed, or a fold and a seed."""

from collections.abc import Mapping, Sequence

from study.analysis.grid_tasks import singles_of
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config.evaluation import Split
from trainables.config.tasks import TaskName
from trainables.metrics.catalog import DELTA_M, OF_TASK
from trainables.metrics.other_tasks.delta_m import delta_m, gain

ByUnit = dict[int, float]


def split_of(record: StudyRecord) -> Split:
    """The list of all the study's figures: ``test`` if every complete trial was measured there or
    is untested, else ``val``. A table never mixes the two."""
    complete = record.compared().in_state("complete")
    known = all(trial.tested is not None or trial.untested for trial in complete)
    return "test" if complete and known else "val"


def values_by_cell(record: StudyRecord, metric: str) -> dict[str, ByUnit]:
    """By cell that can run here and by unit, the metric on the list of the study's figures.

    Delta_m is that of the cells of several tasks whose tasks have a cell each.
    """
    cells = [cell.name for cell in record.plan.grid.cells if not cell.needs]
    if metric == DELTA_M:
        return {cell: _delta_m(record, cell) for cell in cells}
    trials, split = trials_by_cell(record), split_of(record)
    return {cell: _values(trials[cell], metric, split) for cell in cells}


def gains_by_task(record: StudyRecord, cell: str) -> dict[TaskName, ByUnit]:
    """By task of a cell and by unit, its relative gain over the network of this task alone; on the
    units that have a Delta_m."""
    units = _delta_m(record, cell)
    return {
        task: {unit: gain(OF_TASK[task], multi[unit], single[unit]) for unit in units}
        for task, (multi, single) in _paired(record, cell).items()
    }


def _delta_m(record: StudyRecord, cell: str) -> ByUnit:
    paired = _paired(record, cell)
    found: ByUnit = {}
    for unit in sorted(_common(paired)):
        multi = {OF_TASK[task]: both[0][unit] for task, both in paired.items()}
        single = {OF_TASK[task]: both[1][unit] for task, both in paired.items()}
        found[unit] = delta_m(multi, single)
    return {unit: value for unit, value in found.items() if value == value}


def _paired(record: StudyRecord, name: str) -> dict[TaskName, tuple[ByUnit, ByUnit]]:
    """By task, its metric of the cell and of the cell of this task alone; empty without them."""
    grid = record.plan.grid
    found = {}
    for task, single in singles_of(grid.cell(name), grid, record.plan.base).items():
        values = values_by_cell(record, OF_TASK[task])
        found[task] = values[name], values[single]
    return found


def _common(paired: Mapping[TaskName, tuple[ByUnit, ByUnit]]) -> set[int]:
    units = [both[place].keys() for both in paired.values() for place in (0, 1)]
    return set.intersection(*map(set, units)) if units else set()


def trials_by_cell(record: StudyRecord) -> dict[str, list[TrialRecord]]:
    """The compared trials of every cell."""
    by_cell: dict[str, list[TrialRecord]] = {cell.name: [] for cell in record.plan.grid.cells}
    for trial in record.compared().trials.values():
        by_cell[trial.cell].append(trial)
    return by_cell


def _values(trials: Sequence[TrialRecord], metric: str, split: str) -> ByUnit:
    """The metric by unit, of the trials that ran all epochs."""
    by_unit: ByUnit = {}
    for trial in sorted(trials, key=lambda trial: trial.unit):
        measured = trial.tested or {} if split == "test" else trial.metrics
        value = measured.get(f"test_{metric}" if split == "test" else metric)
        if trial.state == "complete" and value is not None:
            by_unit[trial.unit] = value
    return by_unit
