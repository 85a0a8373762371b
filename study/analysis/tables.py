"""Ablation tables: our figures beside the paper's, from the ledger alone.

Metrics are fractions here and percent in reports; distances (``hausdorff``) keep their unit. The
first table is the objective's, which was fixed beforehand. Tables of other metrics follow it, each
corrected by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Cell, Grid
from study.analysis import comparability, refinements
from study.analysis.cell_values import split_of, trials_by_cell, values_by_cell
from study.analysis.grid_tasks import lacks
from study.analysis.look_results import comparisons
from study.analysis.planned_looks import planned_seeds
from study.analysis.statistics import Comparison
from study.analysis.units import unit_in
from study.ledger.plan import Correction
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config.evaluation import Split
from trainables.metrics.catalog import DELTA_M, METRICS, OF_TASK
from trainables.metrics.declared import built_in


@dataclass(frozen=True, kw_only=True)
class Row:
    """The results of one cell by one metric."""

    cell: Cell
    values: Mapping[int, float]
    """By unit (``Ablation.units``: a seed, or one with a fold), the metric on the table's list."""
    failed: int
    diverged: int
    untested: int
    """Complete runs that could not be measured on the test list."""
    unfinished: int
    """Planned runs that did not end yet."""
    unmeasured: int
    """Complete runs without the metric: not requested, of a later version, or undefined there."""
    comparison: Comparison | None
    """None for a baseline and for a cell that cannot run here."""
    baseline: str
    """The cell that it is compared with; its own name for a baseline."""
    lacks: bool = False
    """Whether its networks have no such task, so that it is not compared."""

    @property
    def mean(self) -> float | None:
        return sum(self.values.values()) / len(self.values) if self.values else None


@dataclass(frozen=True, kw_only=True)
class Table:
    """All cells by one metric."""

    metric: str
    mode: str
    split: Split
    baseline: str
    """Of the grid; rows may have another one."""
    unit: str
    """Of the values: ``fraction``, ``mm``, ``px`` ..."""
    correction: Correction
    """Of the p-values."""
    folds: int
    """Of the study; 0 without folds."""
    looks: bool
    """Whether looks, or a smallest effect that matters, were planned."""
    rows: tuple[Row, ...]
    setups: tuple[str, ...]
    """The setups that measured this metric as the study does: the paper's columns beside ours."""

    def published_gain(self, row: Row, setup: str) -> float | None:
        """The paper's difference from its own baseline; None if there is none."""
        return comparability.gain(row.cell, self.row(row.baseline).cell, setup, self.metric)

    def gain(self, row: Row) -> float | None:
        """How far a cell is ahead of its baseline, larger is better; None for a baseline, and
        without a seed of both. Means do not compare: a cell that was decided early has fewer seeds.
        """
        if row.comparison is None or row.comparison.mean is None:
            return None
        return row.comparison.mean if self.mode == "max" else -row.comparison.mean

    def row(self, cell: str) -> Row:
        return next(row for row in self.rows if row.cell.name == cell)

    @property
    def baselines(self) -> list[str]:
        """The cells that others are compared with, in the table's order."""
        return [
            row.cell.name
            for row in self.rows
            if row.baseline == row.cell.name and not row.lacks and not row.cell.needs
        ]


CORRECTED: Mapping[Correction, str] = {"holm": "Holm", "max_t": "max-T"}
"""What the column of corrected p-values is called."""

OTHER_TASK = "other task"
"""The verdict on a cell whose networks do not have the metric."""
ALSO = ("miou", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""Metrics of area and boundary that every ablation has a table for, whatever its paper reports."""
BESIDE = (*ALSO, *OF_TASK.values(), DELTA_M)
"""Metrics whose differences stand beside the objective's verdicts, where they are measured."""
_REQUESTED = tuple(
    name for name, m in built_in().items() if m.needs and not name.endswith("_scored")
)
"""Metrics that have a table where they were measured."""


def metric_tables(record: StudyRecord) -> list[Table]:
    """The objective's table, then those with any value: the paper's, ``ALSO``, the requested, and
    the plug-in's."""
    grid, own = record.plan.grid, record.plan.metrics
    reported = dict.fromkeys(
        metric
        for name in grid.setup_names()
        for metric in comparability.metrics_of(grid, name)
        if metric in METRICS
    )
    metrics = dict.fromkeys([record.plan.objective, *reported, *ALSO, *_REQUESTED, *own])
    first, *others = (table(record, grid, metric) for metric in metrics)
    return [first, *(other for other in others if any(row.values for row in other.rows))]


def table(record: StudyRecord, grid: Grid, metric: str) -> Table:
    """The table of one metric, with every cell of the grid, including those that cannot run."""
    split, mode = split_of(record), METRICS[metric].direction
    by_cell, baseline = trials_by_cell(record), grid.baseline_by_cell
    values = values_by_cell(record, metric)
    lacking = {cell.name for cell in grid.cells if lacks(cell, grid, record.plan.base, metric)}
    measurable = {cell: by_unit for cell, by_unit in values.items() if cell not in lacking}
    compared = comparisons(record, measurable, baseline, metric, mode)
    planned = planned_seeds(record.plan, record)
    rows = tuple(
        _row(
            cell,
            by_cell[cell.name],
            values.get(cell.name, {}),
            compared.get(cell.name),
            planned.get(cell.name, 0),
            baseline[cell.name],
            cell.name in lacking,
        )
        for cell in grid.cells
    )
    beside = comparability.comparable(record.plan, grid, record.data.images, split)
    setups = [name for name in beside if metric in comparability.metrics_of(grid, name)]
    return Table(
        metric=metric,
        mode=mode,
        split=split,
        baseline=grid.baseline,
        unit=unit_in(record, metric),
        correction=record.plan.correction,
        folds=record.plan.design.folds,
        looks=bool(record.plan.design.looks) or record.plan.smallest is not None,
        rows=rows,
        setups=tuple(setups),
    )


def _row(
    cell: Cell,
    trials: list[TrialRecord],
    values: Mapping[int, float],
    comparison: Comparison | None,
    planned: int,
    baseline: str,
    lacking: bool,
) -> Row:
    kinds = [trial.failure.kind for trial in trials if trial.failure is not None]
    without = [trial for trial in trials if trial.unit not in values]
    untested = sum(bool(trial.untested) for trial in without)
    unmeasured = sum(trial.state == "complete" and not trial.untested for trial in without)
    return Row(
        cell=cell,
        values=values,
        failed=sum(kind != "diverged" for kind in kinds),
        diverged=sum(kind == "diverged" for kind in kinds),
        untested=untested,
        unfinished=planned - len(values) - len(kinds) - untested - unmeasured,
        unmeasured=0 if lacking else unmeasured,
        comparison=None if lacking else comparison,
        baseline=baseline,
        lacks=lacking,
    )


def unchanged(record: StudyRecord) -> list[str]:
    """The cells that equal their baseline in every metric on every common seed: nothing changed."""
    complete = {(trial.cell, trial.unit): trial for trial in record.compared().in_state("complete")}
    grid = record.plan.grid
    equal: dict[str, bool] = {}
    for (cell, unit), trial in complete.items():
        other = complete.get((grid.baseline_of(cell), unit))
        if not grid.is_baseline(cell) and other is not None:
            equal[cell] = equal.get(cell, True) and _same(trial, other)
    return [cell for cell, same in equal.items() if same]


def _same(trial: TrialRecord, other: TrialRecord) -> bool:
    """Whether two trials have the same figures. Refinement changes those of the test alone."""
    if any(refinements.method(each.config) for each in (trial, other)):
        return trial.tested is not None and trial.tested == other.tested
    return outcome(trial) == outcome(other)


def outcome(trial: TrialRecord) -> tuple[float | None, ...]:
    """A trial's figures on the validation list: every metric, and the cross-entropy, which tells
    networks apart that predict the same classes."""
    return tuple(trial.metrics.get(name) for name in (*METRICS, "val/loss"))


def verdict_of(row: Row) -> str:
    """A row's verdict: ``other task``, ``baseline``, ``not run``, or that of its comparison."""
    if row.cell.needs:
        return "not run"
    if row.lacks:
        return OTHER_TASK
    if row.cell.name == row.baseline:
        return "baseline"
    return row.comparison.verdict if row.comparison else "undecided"
