"""A comparison whose cells were searched, again at one rate: is it the loss, or what the search of
each cell chose beside it?"""

from collections.abc import Mapping
from pathlib import Path

from search_spaces.grid import Cell, Grid, Published, from_event
from study import own_parts, report, storage, tables
from study.plan import check_name
from study.record import StudyRecord
from study.trial_record import Value
from study.winner import OF_LOSSES, Rerun
from trainables.config import TrialConfig, flatten, from_flat


def rerun(studies: Path, name: str, asked: Mapping[str, Value]) -> Rerun:
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
    storage.require_known("--control", studies / name)
    record = report.load(studies / name)
    if not record.chosen:
        raise ValueError(f"--control must be a comparison whose cells' searches have ended, "
                         f"got {name!r}")  # fmt: skip
    own_parts.from_plan(record.plan)
    base, grid = from_flat(record.plan["base"]), from_event(record.plan["grid"])
    values = _values(record, grid, base, asked)
    seeds = record.plan["seeds"]
    return Rerun(record.plan["space"], record.plan["objective"],
                 base.changed({**values, "seed": seeds[0]}), _grid(record, grid, values),
                 len(seeds))  # fmt: skip


def _values(
    record: StudyRecord, grid: Grid, base: TrialConfig, asked: Mapping[str, Value]
) -> dict[str, Value]:
    """What all cells are to have of the fields that the baseline has searched beside its loss."""
    begin, chosen = flatten(base), {cell.name: cell.changes for cell in grid.cells}
    searched = [dimension.path for dimension in grid.cell(grid.baseline).searched]
    shared = {path: chosen[grid.baseline].get(path, begin[path])  # nothing chosen: as it began
              for path in searched if not path.startswith(OF_LOSSES)}  # fmt: skip
    for path in asked:
        if path not in shared:
            raise ValueError(f"--set beside --control must be of {', '.join(shared) or 'nothing'}, "
                             f"got {path!r}")  # fmt: skip
    values = {**shared, **asked}
    if all(chosen[cell.name].get(path, begin[path]) == value for cell in grid.cells
           if not cell.needs for path, value in values.items()):  # fmt: skip
        raise ValueError(f"--control must be a comparison whose cells chose different values "
                         f"beside their losses, got {record.plan['study']!r}")  # fmt: skip
    return values


def _grid(record: StudyRecord, was: Grid, values: Mapping[str, Value]) -> Grid:
    """The cells without what is the same for all now, their own study's figures beside them."""
    study, reported = record.plan["study"], _figures(record)
    setup = f"{study}, {tables.split_of(record)}"
    cells = tuple(_cell(cell, values, {setup: reported.get(cell.name, {})})
                  for cell in was.cells if not cell.needs)  # fmt: skip
    one_value = ", ".join(f"{path} {value}" for path, value in values.items())
    return Grid(
        name="control",
        question=f"Is it the loss, or its {', '.join(values)}?",
        source=f"each loss as its search in {study} chose it, {one_value} for all",
        baseline=was.baseline,
        cells=cells,
    )


def _cell(cell: Cell, values: Mapping[str, Value], reported: Published) -> Cell:
    changes = {path: value for path, value in cell.changes.items() if path not in values}
    return Cell(name=cell.name, changes=changes, published=reported)


def _figures(record: StudyRecord) -> dict[str, dict[str, float]]:
    """By cell and metric, what the study itself measured."""
    found: dict[str, dict[str, float]] = {}
    for table in tables.tables(record):
        for row in table.rows:
            if row.mean is not None:
                found.setdefault(row.cell.name, {})[table.metric] = row.mean
    return found
