"""Ablation tables: our figures beside the paper's, from the ledger alone.

Metrics are fractions here and percent in reports; distances (``hausdorff``) keep their unit. The
first table is the objective's, which was fixed beforehand. Tables of other metrics follow it, each
corrected by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Cell, Grid
from study.analysis import comparability
from study.analysis.statistics import Comparison, compare
from study.analysis.units import unit_in
from study.ledger.plan import Correction
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config.evaluation import Split
from trainables.metrics.catalog import METRICS


@dataclass(frozen=True, kw_only=True)
class Row:
    """The results of one cell by one metric."""

    cell: Cell
    values: Mapping[int, float]
    """By seed, the metric on the table's list."""
    failed: int
    diverged: int
    untested: int
    """Complete runs that could not be measured on the test list."""
    unfinished: int
    """Planned runs that did not end yet."""
    unmeasured: int
    """Complete runs without the metric: not requested, of a later version, or undefined there."""
    comparison: Comparison | None
    """None for the baseline and for a cell that cannot run here."""

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
    unit: str
    """Of the values: ``fraction``, ``mm``, ``px`` ..."""
    correction: Correction
    """Of the p-values."""
    rows: tuple[Row, ...]
    setups: tuple[str, ...]
    """The setups that measured this metric as the study does: the paper's columns beside ours."""

    def published_gain(self, row: Row, setup: str) -> float | None:
        """The paper's difference from its own baseline; None if there is none."""
        base = next(other.cell for other in self.rows if other.cell.name == self.baseline)
        return comparability.gain(row.cell, base, setup, self.metric)


CORRECTED: Mapping[Correction, str] = {"holm": "Holm", "max_t": "max-T"}
"""What the column of corrected p-values is called."""

ALSO = ("miou", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""Metrics of area and boundary that every ablation has a table for, whatever its paper reports."""
_REQUESTED = tuple(name for name, m in METRICS.items() if m.needs and not name.endswith("_scored"))
"""Metrics that have a table where they were measured."""


def split_of(record: StudyRecord) -> Split:
    """The list of all the study's figures: ``test`` if every complete trial was measured there or
    is untested, else ``val``. A table never mixes the two."""
    complete = record.compared().in_state("complete")
    known = all(trial.tested is not None or trial.untested for trial in complete)
    return "test" if complete and known else "val"


def metric_tables(record: StudyRecord) -> list[Table]:
    """The objective's table, then those with any value: the paper's, ``ALSO``, the requested."""
    grid = record.plan.grid
    reported = dict.fromkeys(
        metric
        for name in grid.setup_names()
        for metric in comparability.metrics_of(grid, name)
        if metric in METRICS  # others belong to tasks that no study has
    )
    metrics = dict.fromkeys([record.plan.objective, *reported, *ALSO, *_REQUESTED])
    first, *others = (table(record, grid, metric) for metric in metrics)
    return [first, *(other for other in others if any(row.values for row in other.rows))]


def table(record: StudyRecord, grid: Grid, metric: str) -> Table:
    """The table of one metric, with every cell of the grid, including those that cannot run."""
    split, mode = split_of(record), METRICS[metric].direction
    by_cell: dict[str, list[TrialRecord]] = {cell.name: [] for cell in grid.cells}
    for trial in record.compared().trials.values():
        by_cell[trial.cell].append(trial)
    values = {
        cell.name: _values(by_cell[cell.name], metric, split)
        for cell in grid.cells
        if not cell.needs
    }
    compared = compare(values, grid.baseline, mode, record.plan.correction)
    rows = tuple(
        _row(
            cell,
            by_cell[cell.name],
            values.get(cell.name, {}),
            compared.get(cell.name),
            0 if cell.needs else len(record.plan.design.seeds),
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
        rows=rows,
        setups=tuple(setups),
    )


def _values(trials: list[TrialRecord], metric: str, split: str) -> dict[int, float]:
    """The metric by seed, of the trials that ran all epochs."""
    by_seed: dict[int, float] = {}
    for trial in sorted(trials, key=lambda trial: trial.seed):
        measured = trial.tested or {} if split == "test" else trial.metrics
        value = measured.get(f"test_{metric}" if split == "test" else metric)
        if trial.state == "complete" and value is not None:
            by_seed[trial.seed] = value
    return by_seed


def _row(
    cell: Cell,
    trials: list[TrialRecord],
    values: Mapping[int, float],
    comparison: Comparison | None,
    planned: int,
) -> Row:
    kinds = [trial.failure.kind for trial in trials if trial.failure is not None]
    without = [trial for trial in trials if trial.seed not in values]
    untested = sum(bool(trial.untested) for trial in without)
    unmeasured = sum(trial.state == "complete" and not trial.untested for trial in without)
    return Row(
        cell=cell,
        values=values,
        failed=sum(kind != "diverged" for kind in kinds),
        diverged=sum(kind == "diverged" for kind in kinds),
        untested=untested,
        unfinished=planned - len(values) - len(kinds) - untested - unmeasured,
        unmeasured=unmeasured,
        comparison=comparison,
    )


def unchanged(record: StudyRecord) -> list[str]:
    """The cells that equal the baseline in every metric on every common seed: nothing changed."""
    complete = {(trial.cell, trial.seed): trial for trial in record.compared().in_state("complete")}
    baseline = record.plan.grid.baseline
    equal: dict[str, bool] = {}
    for (cell, seed), trial in complete.items():
        other = complete.get((baseline, seed))
        if cell != baseline and other is not None:
            equal[cell] = equal.get(cell, True) and outcome(trial) == outcome(other)
    return [cell for cell, same in equal.items() if same]


def outcome(trial: TrialRecord) -> tuple[float | None, ...]:
    """A trial's figures on the validation list: every metric, and the cross-entropy, which tells
    networks apart that predict the same classes."""
    return tuple(trial.metrics.get(name) for name in (*METRICS, "val/loss"))


def verdict_of(row: Row, baseline: str) -> str:
    """A row's verdict: ``baseline``, ``not run``, ``better``, ``worse`` or ``undecided``."""
    if row.cell.name == baseline:
        return "baseline"
    if row.cell.needs:
        return "not run"
    return row.comparison.verdict if row.comparison else "undecided"
