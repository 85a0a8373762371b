"""`--horizon`: the leaders of a finished comparison, and its last, at three times the epochs."""

from dataclasses import replace
from pathlib import Path

from search_spaces import Cell, Grid
from search_spaces.setup import of_earlier_study
from study.analysis.horizon import GRID, TIMES, source_of
from study.analysis.results import AblationResults
from study.analysis.tables import Table
from study.ledger.design import Ablation
from study.ledger.record import StudyRecord
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.planning.earlier_plugin import install_earlier
from study.planning.look_schedule import seeds_and_looks
from study.planning.prior_studies.rerun import (
    Rerun,
    earlier_gains,
    earlier_means,
    translated,
)
from trainables.config import refused
from trainables.config.words import counted

_LEADERS = 3
"""Cells beside the baseline and the one that came last, which may only be late."""


def run_longer(
    storage: Path, name: str, given_seeds: int | str | None = None, trust: bool = False
) -> Rerun:
    """The baseline, the best cells and the last of a comparison, three times as long.

    Schedules follow the progress of a training, and so stretch with it.

    Args:
        storage: has the earlier study.
        name: the earlier study's.
        given_seeds: ``--seeds``. Several are those after the seeds that chose the leaders, which
            allow a verdict; one is the first of these, beside the figures of that seed.
        trust: execute the ledger's plug-in, also if this user has not given it to ``--with``.

    Raises:
        ValueError: there is no such study, it is a search, or it has not ended with a figure for
            its baseline and another cell on its first seed.
    """
    record = _ended_grid(storage, name)
    seeds, results = record.plan.design.seeds, AblationResults(record)
    fresh = given_seeds is not None and seeds_and_looks(given_seeds)[0] > 1
    cells = leaders_and_last(results.tables[0], seeds[0])
    if len(cells) < 2:
        what = "a grid whose baseline and another cell are complete on its first seed"
        raise refused("--horizon", what, name)
    install_earlier(record.plan, "--horizon", trust)
    base = record.plan.config
    times = {"epochs": TIMES * base.epochs, "data/extra_epochs": TIMES * base.data.extra_epochs}
    setup = f"{name} after {counted(base.epochs, 'epoch')}, {results.split}"
    longer = Grid(
        name=GRID,
        question=f"Does the order of {name} hold at {TIMES * base.epochs} epochs?",
        source=source_of(name),
        baseline=results.tables[0].baseline,
        cells=tuple(
            _with_gains(cell, results, setup)
            if fresh
            else _with_figures(cell, results, setup, seeds[0])
            for cell in cells
        ),
        setups=(of_earlier_study(setup),),
    )
    return Rerun(
        record.plan.space,
        record.plan.objective,
        base.changed({**times, "seed": seeds[-1] + 1 if fresh else seeds[0]}),
        translated(longer, record),
        1,
    )


def _ended_grid(storage: Path, name: str) -> StudyRecord:
    check_name(name, "--horizon")
    folder = StudyFolder(storage / name)
    folder.require_known("--horizon")
    record = folder.load()
    if not isinstance(record.plan.design, Ablation):
        raise ValueError(f"--horizon must be a grid, got the search {name!r}")
    if not record.ended:
        raise refused("--horizon", "a grid that has ended", name)
    if record.plan.design.folds:
        raise refused("--horizon", "a grid that is not on folds: its order is of one list", name)
    grid = record.plan.grid
    if len(grid.baselines) > 1 or any(cell.after for cell in grid.cells):
        raise refused("--horizon", "a grid of one network whose cells all start alike", name)
    return record


def leaders_and_last(table: Table, seed: int) -> list[Cell]:
    """The baseline, the cells furthest ahead of it and the one furthest behind, in the table's
    order; nothing without the baseline on this seed."""
    rows = [row for row in table.rows if seed in row.values]
    if table.row(table.baseline) not in rows:
        return []
    gains = {row.cell.name: gain for row in rows if (gain := table.gain(row)) is not None}
    ranked = sorted(gains, key=gains.__getitem__, reverse=True)
    runs = {table.baseline, *ranked[:_LEADERS], *ranked[-1:]}
    return [row.cell for row in rows if row.cell.name in runs]


def _with_figures(cell: Cell, results: AblationResults, setup: str, seed: int) -> Cell:
    """The cell with its figures on this seed as the only published ones."""
    rows = {table.metric: table.row(cell.name) for table in results.tables}
    figures = {metric: row.values[seed] for metric, row in rows.items() if seed in row.values}
    return replace(_bare(cell), published={setup: figures})


def _with_gains(cell: Cell, results: AblationResults, setup: str) -> Cell:
    """The cell with its mean differences from the baseline, and the baseline with its means."""
    if cell.name == results.tables[0].baseline:
        return replace(_bare(cell), published={setup: earlier_means(results, cell.name)})
    return replace(_bare(cell), gains={setup: earlier_gains(results, cell.name)})


def _bare(cell: Cell) -> Cell:
    return replace(cell, published={}, class_published={}, gains={}, searched=())
