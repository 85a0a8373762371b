"""The ablation table: ours beside the paper's, from the ledger alone.

Metrics are fractions in here and percent in what is printed; lengths (``hausdorff``) stay as they
are. The first metric is the study's objective, which was fixed beforehand; tables of others follow
it, each corrected by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Cell, Grid
from study.analysis.statistics import ALPHA, Comparison, compare, coverage, fewest_seeds
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.metrics.catalog import METRICS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One cell as it came out."""

    cell: Cell
    values: Mapping[int, float]
    """By seed, on the table's list."""
    failed: int
    diverged: int
    unfinished: int
    """Planned and neither measured nor failed."""
    comparison: Comparison | None
    """None for the baseline, and for a cell that was not run."""

    @property
    def mean(self) -> float | None:
        return sum(self.values.values()) / len(self.values) if self.values else None


@dataclass(frozen=True, kw_only=True)
class Table:
    """All cells by one metric."""

    metric: str
    mode: str
    split: str
    baseline: str
    rows: tuple[Row, ...]
    setups: tuple[str, ...]
    """Of the paper's figures of this metric."""

    def published_gain(self, row: Row, setup: str) -> float | None:
        """The paper's difference to its own baseline."""
        base = next(other.cell for other in self.rows if other.cell.name == self.baseline)
        ours, theirs = published(row.cell, setup, self.metric), published(base, setup, self.metric)
        return None if ours is None or theirs is None else ours - theirs


ALSO = ("miou", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""What a boundary loss is asked about, whatever its paper reports."""


def published(cell: Cell, setup: str, metric: str) -> float | None:
    """The paper's figure of a cell."""
    return cell.published.get(setup, {}).get(metric)


def split_of(record: StudyRecord) -> str:
    """The list that all figures of the study are of: test once every whole trial was measured
    there, val before."""
    whole = record.compared().in_state("complete")
    return "test" if whole and all(trial.tested is not None for trial in whole) else "val"


def metric_tables(record: StudyRecord) -> list[Table]:
    """The objective's table, then those of other metrics: the paper's, and boundaries."""
    grid = record.plan.grid
    reported = dict.fromkeys(
        metric for cell in grid.cells for row in cell.published.values() for metric in row
    )
    metrics = dict.fromkeys([record.plan.objective, *reported, *ALSO])
    found = [table(record, grid, metric) for metric in metrics]
    return [one for place, one in enumerate(found) if place == 0 or any(r.values for r in one.rows)]


def table(record: StudyRecord, grid: Grid, metric: str) -> Table:
    """Every cell of the grid by one metric, cells that could not be run included."""
    split, mode = split_of(record), METRICS[metric].direction
    by_cell: dict[str, list[TrialRecord]] = {cell.name: [] for cell in grid.cells}
    for trial in record.compared().trials.values():
        by_cell[trial.cell].append(trial)
    values = {
        cell.name: _values(by_cell[cell.name], metric, split)
        for cell in grid.cells
        if not cell.needs
    }
    compared = compare(values, grid.baseline, mode)
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
    setups = dict.fromkeys(
        setup for cell in grid.cells for setup, row in cell.published.items() if metric in row
    )
    return Table(
        metric=metric,
        mode=mode,
        split=split,
        baseline=grid.baseline,
        rows=rows,
        setups=tuple(setups),
    )


def _values(trials: list[TrialRecord], metric: str, split: str) -> dict[int, float]:
    """By seed, of trials that ran all epochs."""
    found: dict[int, float] = {}
    for trial in sorted(trials, key=lambda trial: trial.seed):
        measured = trial.tested or {} if split == "test" else trial.metrics
        value = measured.get(f"test_{metric}" if split == "test" else metric)
        if trial.state == "complete" and value is not None:
            found[trial.seed] = value
    return found


def _row(
    cell: Cell,
    trials: list[TrialRecord],
    values: Mapping[int, float],
    comparison: Comparison | None,
    planned: int,
) -> Row:
    kinds = [trial.failure.kind for trial in trials if trial.failure is not None]
    return Row(
        cell=cell,
        values=values,
        failed=sum(kind != "diverged" for kind in kinds),
        diverged=sum(kind == "diverged" for kind in kinds),
        unfinished=planned - len(values) - len(kinds),
        comparison=comparison,
    )


def unchanged(record: StudyRecord) -> list[str]:
    """Cells whose every metric equals the baseline's on every common seed: their change did not
    reach the training."""
    whole = {(trial.cell, trial.seed): trial for trial in record.compared().in_state("complete")}
    baseline = record.plan.grid.baseline
    equal: dict[str, bool] = {}
    for (cell, seed), trial in whole.items():
        other = whole.get((baseline, seed))
        if cell != baseline and other is not None:
            same = all(trial.metrics.get(name) == other.metrics.get(name) for name in METRICS)
            equal[cell] = equal.get(cell, True) and same
    return [cell for cell, same in equal.items() if same]


def verdict_of(row: Row, baseline: str) -> str:
    """One word for a row."""
    if row.cell.name == baseline:
        return "baseline"
    if row.cell.needs:
        return "not run"
    return row.comparison.verdict if row.comparison else "undecided"


def protocol(record: StudyRecord, shown: Table) -> str:
    """How the figures were taken, all of it fixed before the first trial ran."""
    base, lists, seeds = record.plan.base, record.data.images, record.plan.design.seeds
    return (
        f"{_measured(shown)} on the {shown.split} list of `{record.data.dataset}` "
        f"({lists.get(shown.split)} images, digest {record.data.digest}) after the last epoch. "
        f"Budget: {base['epochs']} epochs of {lists.get('train')} images, batch {base['batch']}, "
        f"the same for every cell; n = {len(seeds)} seeds "
        f"({', '.join(map(str, seeds))}), the same for every cell. Delta: mean over seeds "
        f"of cell - `{shown.baseline}` in {_unit(shown)}, with its {1 - ALPHA:.0%} BCa "
        f"interval{_worth(len(seeds))}; p: exact two-sided sign-flip test, paired by seed; "
        f"Holm over the table; better or worse where that is at most {ALPHA}. P(A>B): how often "
        f"the cell was better on the same seed. {power(record)}"
    )


def same_protocol(shown: Table) -> str:
    """The same in short, below every table but the first."""
    return (
        f"{_measured(shown)}, delta in {_unit(shown)}; runs, list, seeds and tests are those "
        f"of the objective's table."
    )


def _measured(shown: Table) -> str:
    larger = "larger" if shown.mode == "max" else "smaller"
    return f"`{shown.metric}` ({METRICS[shown.metric].source}; {larger} is better)"


def _unit(shown: Table) -> str:
    unit = METRICS[shown.metric].unit
    return "points of percent" if unit == "fraction" else unit


def _worth(seeds: int) -> str:
    share = coverage(seeds)
    return "" if share is None else f" (with so few seeds it holds about {share:.0%})"


def power(record: StudyRecord) -> str:
    """Whether this table could have decided anything, for its number of seeds."""
    grid = record.plan.grid
    return seeds_message(len(record.plan.design.seeds), comparisons(grid))


def comparisons(grid: Grid) -> int:
    """Cells that are compared with the baseline."""
    return sum(not cell.needs for cell in grid.cells) - 1


def seeds_message(seeds: int, compared: int) -> str:
    """What so many seeds can decide in a table of so many comparisons."""
    floor, alone = fewest_seeds(max(compared, 1)), fewest_seeds()
    if compared < 1:
        return "Nothing is compared: only the baseline runs."
    if seeds < alone:
        here = f" for one comparison and {floor} for the {compared} here" if compared > 1 else ""
        return (
            f"{seeds} seeds can never be significant: a two-sided sign-flip test needs "
            f"{alone}{here}."
        )
    if seeds < floor:
        return (
            f"{seeds} seeds can never be significant here: {compared} comparisons, corrected "
            f"by Holm, need {floor}; {seeds} can decide one comparison."
        )
    noun = "comparison" if compared == 1 else "comparisons"
    return f"{seeds} seeds can decide: the fewest for {compared} {noun} are {floor}."
