"""Reruns of earlier studies: a search's winner on fresh seeds, a comparison at one rate."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from search_spaces import Cell, Grid
from search_spaces.setup import of_earlier_study
from study.analysis.confirmation import OF_LOSSES, winner_grid, winner_of
from study.analysis.results import AblationResults, results_of
from study.ledger.record import StudyRecord
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.planning.earlier_plugin import install_earlier
from trainables.config import TrialConfig, Value, refused
from trainables.config.earlier import changes_beside


class Rerun(NamedTuple):
    """The comparison that reruns part of an earlier study."""

    space: str
    objective: str
    base: TrialConfig
    """The earlier study's base config, with the first seed to run."""
    grid: Grid
    seeds: int | None = None
    """How many seeds by default; None: the fewest that allow a verdict."""


def rerun_winner(storage: Path, name: str, trust: bool = False) -> Rerun:
    """Compare the winner with the search's base config, which has none of the searched losses.

    Parameters outside the losses (the learning rate) are the winner's in both cells, so that only
    the losses differ.

    Raises:
        ValueError: there is no such study, it is an ablation, or none of its trials is complete.
    """
    check_name(name, "--winner")
    folder = StudyFolder(storage / name)
    folder.require_known("--winner")
    record = folder.load()
    if record.plan.design.kind != "search":
        raise ValueError(f"--winner must be a search, got the grid {folder.name!r}")
    best = winner_of(record)
    if best is None:
        raise ValueError(f"--winner must have a trial that ran all epochs, got {folder.name!r}")
    install_earlier(record.plan, "--winner", trust)
    base = record.plan.config
    return Rerun(
        record.plan.space,
        record.plan.objective,
        base.changed({"seed": base.seed + 1}),  # the search's own seed chose the winner
        translated(winner_grid(record, best), record),
    )


def rerun_at_one_rate(
    storage: Path, name: str, given: Mapping[str, Value], trust: bool = False
) -> Rerun:
    """Rerun every cell with its own loss, and what the baseline searched besides it at one value.

    Runs that already had that value have the same content, so they are reused.

    Args:
        given: values for all cells, by path; all other fields get the baseline's value.
        trust: execute the ledger's plug-in, also if this user has not given it to ``--with``.

    Raises:
        ValueError: there is no such study, its cells were not searched, all chose the same values
            and no other is given, or a field is given that the baseline did not search.
    """
    check_name(name, "--control")
    folder = StudyFolder(storage / name)
    folder.require_known("--control")
    record = folder.load()
    if not record.chosen:
        raise refused("--control", "a comparison whose cells' searches have ended", name)
    install_earlier(record.plan, "--control", trust)
    values, seeds = _control_values(record, given), record.plan.design.seeds
    return Rerun(
        record.plan.space,
        record.plan.objective,
        record.plan.config.changed({**values, "seed": seeds[0]}),
        translated(_control_grid(record, values), record),
        len(seeds),
    )


def translated(grid: Grid, record: StudyRecord) -> Grid:
    """An earlier study's grid in today's words, since its base is written in them."""
    base = record.plan.base
    cells = tuple(replace(cell, changes=changes_beside(base, cell.changes)) for cell in grid.cells)
    return replace(grid, cells=cells)


def _control_values(record: StudyRecord, given: Mapping[str, Value]) -> dict[str, Value]:
    """The values for all cells of the fields that the baseline searched besides its loss."""
    grid, initial = record.plan.grid, record.plan.base
    chosen = {cell.name: cell.changes for cell in grid.cells}
    searched = [dimension.path for dimension in grid.cell(grid.baseline).searched]
    shared = {
        path: chosen[grid.baseline].get(path, initial[path])  # it may have no complete trial
        for path in searched
        if not path.startswith(OF_LOSSES)
    }
    for path in given:
        if path not in shared:
            raise refused("--set beside --control", f"of {', '.join(shared) or 'nothing'}", path)
    values = {**shared, **given}
    if all(
        chosen[cell.name].get(path, initial[path]) == value
        for cell in grid.cells
        if not cell.needs
        for path, value in values.items()
    ):
        raise ValueError(
            f"--control must be a comparison whose cells chose different values "
            f"beside their losses, got {record.plan.study!r}"
        )
    return values


def _control_grid(record: StudyRecord, values: Mapping[str, Value]) -> Grid:
    """The cells without the changes that all now share, with the earlier study's figures."""
    results = results_of(record)
    assert isinstance(results, AblationResults)
    study, earlier = record.plan.study, record.plan.grid
    setup = f"{study}, {results.split}"
    cells = tuple(
        _control_cell(cell, values, results, setup) for cell in earlier.cells if not cell.needs
    )
    one_value = ", ".join(f"{path} {value}" for path, value in values.items())
    return Grid(
        name="control",
        question=f"Is it the loss, or its {', '.join(values)}?",
        source=f"each loss as its search in {study} chose it, {one_value} for all",
        baseline=earlier.baseline,
        cells=cells,
        setups=(of_earlier_study(setup),),
    )


def _control_cell(
    cell: Cell, values: Mapping[str, Value], results: AblationResults, setup: str
) -> Cell:
    return Cell(
        name=cell.name,
        changes={path: value for path, value in cell.changes.items() if path not in values},
        published={setup: earlier_means(results, cell.name)},
        gains={setup: gains} if (gains := earlier_gains(results, cell.name)) else {},
    )


def earlier_means(results: AblationResults, cell: str) -> dict[str, float]:
    """By metric, a cell's mean over its own seeds."""
    means = {table.metric: table.row(cell).mean for table in results.tables}
    return {metric: mean for metric, mean in means.items() if mean is not None}


def earlier_gains(results: AblationResults, cell: str) -> dict[str, float]:
    """By metric, a cell's mean difference from the baseline, on the seeds of both."""
    compared = {table.metric: table.row(cell).comparison for table in results.tables}
    return {
        metric: comparison.mean
        for metric, comparison in compared.items()
        if comparison is not None and comparison.mean is not None
    }
