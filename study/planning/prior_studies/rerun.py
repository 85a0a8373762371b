"""A search's winner, run again on fresh seeds: was it the best, or the luckiest?"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from search_spaces.grid import Cell, Grid, Published, grid_from_event
from study.analysis import tables
from study.ledger import study_folder
from study.ledger.record import StudyRecord, TrialRecord, Value
from study.ledger.study_folder import check_name, load_record
from study.planning.plugin import install_from_plan
from trainables.config import TrialConfig, flatten, from_flat

_BASELINE, _WINNER = "not searched", "winner"
OF_LOSSES = ("loss/", "inverse_net/", "edge_net/")
"""Fields of losses and of the networks inside them."""


class Rerun(NamedTuple):
    """What an earlier study leaves to be confirmed."""

    space: str
    objective: str
    base: TrialConfig
    """The study's own, its seed being the first that is to be run."""
    grid: Grid
    seeds: int | None = None
    """How many, unless asked otherwise; None: the fewest that can decide."""


def rerun_winner(studies: Path, name: str) -> Rerun:
    """The winner against the search's base config, which has none of the searched losses.

    Parameters that are no losses (the learning rate) are the winner's in both, so that the
    comparison is about the losses alone.

    Raises:
        ValueError: there is no such study, it is a grid, or no trial of it is whole.
    """
    check_name(name, "--winner")
    folder = studies / name
    study_folder.require_known("--winner", folder)
    record = load_record(folder)
    if "grid" in record.plan:
        raise ValueError(f"--winner must be a search, got the grid {folder.name!r}")
    best = record.best()
    if best is None or best.state != "complete":
        raise ValueError(f"--winner must have a trial that ran all epochs, got {folder.name!r}")
    install_from_plan(record.plan)
    base = from_flat(record.plan["base"])
    return Rerun(
        record.plan["space"],
        record.plan["objective"],
        base.changed({"seed": base.seed + 1}),
        _winner_grid(record, best),
    )


def _winner_grid(record: StudyRecord, best: TrialRecord) -> Grid:
    study, objective = record.plan["study"], record.plan["objective"]
    others = {path: value for path, value in best.params.items() if not path.startswith(OF_LOSSES)}
    reported = {f"search {study}, val": {objective: best.metrics[objective]}}
    tested = (best.tested or {}).get(f"test_{objective}")
    if tested is not None:
        reported[f"search {study}, test"] = {objective: tested}
    return Grid(
        name="winner",
        question=f"Is the winner of {study} better than its base on seeds that chose nothing?",
        source=f"trial {best.number} of the search {study}, seed {best.config['seed']}",
        baseline=_BASELINE,
        cells=(
            Cell(name=_BASELINE, changes=others),
            Cell(name=_WINNER, changes=best.params, published=reported),
        ),
    )


def rerun_at_one_rate(studies: Path, name: str, asked: Mapping[str, Value]) -> Rerun:
    """Every cell with its own loss, and all that the baseline searched beside it at one value.

    Runs that were at that value already have the same content, so they are taken over.

    Args:
        studies: the storage.
        asked: fields and the values that all cells are to have; those left out are the baseline's.

    Raises:
        ValueError: there is no such study, its cells were not searched, they chose the same values
            and no other is asked for, or a field is asked for that the baseline has not searched.
    """
    check_name(name, "--control")
    study_folder.require_known("--control", studies / name)
    record = load_record(studies / name)
    if not record.chosen:
        raise ValueError(
            f"--control must be a comparison whose cells' searches have ended, got {name!r}"
        )
    install_from_plan(record.plan)
    base, grid = from_flat(record.plan["base"]), grid_from_event(record.plan["grid"])
    values = _control_values(record, grid, base, asked)
    seeds = record.plan["seeds"]
    return Rerun(
        record.plan["space"],
        record.plan["objective"],
        base.changed({**values, "seed": seeds[0]}),
        _control_grid(record, grid, values),
        len(seeds),
    )


def _control_values(
    record: StudyRecord, grid: Grid, base: TrialConfig, asked: Mapping[str, Value]
) -> dict[str, Value]:
    """What all cells are to have of the fields that the baseline has searched beside its loss."""
    begin, chosen = flatten(base), {cell.name: cell.changes for cell in grid.cells}
    searched = [dimension.path for dimension in grid.cell(grid.baseline).searched]
    shared = {
        path: chosen[grid.baseline].get(path, begin[path])  # nothing chosen: as it began
        for path in searched
        if not path.startswith(OF_LOSSES)
    }
    for path in asked:
        if path not in shared:
            raise ValueError(
                f"--set beside --control must be of {', '.join(shared) or 'nothing'}, got {path!r}"
            )
    values = {**shared, **asked}
    if all(
        chosen[cell.name].get(path, begin[path]) == value
        for cell in grid.cells
        if not cell.needs
        for path, value in values.items()
    ):
        raise ValueError(
            f"--control must be a comparison whose cells chose different values "
            f"beside their losses, got {record.plan['study']!r}"
        )
    return values


def _control_grid(record: StudyRecord, was: Grid, values: Mapping[str, Value]) -> Grid:
    """The cells without what is the same for all now, their own study's figures beside them."""
    study, reported = record.plan["study"], _figures(record)
    setup = f"{study}, {tables.split_of(record)}"
    cells = tuple(
        _control_cell(cell, values, {setup: reported.get(cell.name, {})})
        for cell in was.cells
        if not cell.needs
    )
    one_value = ", ".join(f"{path} {value}" for path, value in values.items())
    return Grid(
        name="control",
        question=f"Is it the loss, or its {', '.join(values)}?",
        source=f"each loss as its search in {study} chose it, {one_value} for all",
        baseline=was.baseline,
        cells=cells,
    )


def _control_cell(cell: Cell, values: Mapping[str, Value], reported: Published) -> Cell:
    changes = {path: value for path, value in cell.changes.items() if path not in values}
    return Cell(name=cell.name, changes=changes, published=reported)


def _figures(record: StudyRecord) -> dict[str, dict[str, float]]:
    """By cell and metric, what the study itself measured."""
    found: dict[str, dict[str, float]] = {}
    for table in tables.metric_tables(record):
        for row in table.rows:
            if row.mean is not None:
                found.setdefault(row.cell.name, {})[table.metric] = row.mean
    return found
