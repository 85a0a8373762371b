"""A comparison whose cells were searched, again at one rate: is it the loss, or what the search of
each cell chose beside it?"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from search_spaces.grid import Cell, Grid, from_event
from study import own_parts, report, storage, tables
from study.plan import check_name
from study.record import StudyRecord
from study.trial_record import Value
from study.winner import OF_LOSSES, Rerun
from trainables.config import from_flat


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
    values = _values(record, asked)
    seeds = record.plan["seeds"]
    base = from_flat(record.plan["base"]).changed({**values, "seed": seeds[0]})
    return Rerun(record.plan["space"], record.plan["objective"], base, _grid(record, values),
                 len(seeds))  # fmt: skip


def _values(record: StudyRecord, asked: Mapping[str, Value]) -> dict[str, Value]:
    """What all cells are to have of the fields that the baseline has searched beside its loss."""
    grid = from_event(record.plan["grid"])
    chosen = {cell: one["changes"] for cell, one in record.chosen.items()}
    own = chosen[grid.baseline]
    shared = {dimension.path: own[dimension.path] for dimension in grid.cell(grid.baseline).searched
              if dimension.path in own and not dimension.path.startswith(OF_LOSSES)}  # fmt: skip
    for path in asked:
        if path not in shared:
            raise ValueError(f"--set beside --control must be of {', '.join(shared) or 'nothing'}, "
                             f"got {path!r}")  # fmt: skip
    values = {**shared, **asked}
    if all(changes.get(path) == value for changes in chosen.values()
           for path, value in values.items()):  # fmt: skip
        raise ValueError(f"--control must be a comparison whose cells chose different values "
                         f"beside their losses, got {record.plan['study']!r}")  # fmt: skip
    return values


def _grid(record: StudyRecord, values: Mapping[str, Value]) -> Grid:
    """The cells without what is the same for all now, their own study's figures beside them."""
    was, study = from_event(record.plan["grid"]), record.plan["study"]
    one_value = ", ".join(f"{path} {value}" for path, value in values.items())
    reported = _figures(record)
    cells = tuple(_cell(cell, values, f"{study}, {tables.split_of(record)}", reported)
                  for cell in was.cells if not cell.needs)  # fmt: skip
    return replace(
        was,
        name="control",
        cells=cells,
        question=f"Is it the loss, or its {', '.join(values)}?",
        source=f"each loss as its search in {study} chose it, {one_value} for all",
    )


def _cell(
    cell: Cell, values: Mapping[str, Value], setup: str, reported: Mapping[str, Mapping[str, float]]
) -> Cell:
    changes = {path: value for path, value in cell.changes.items() if path not in values}
    return Cell(name=cell.name, changes=changes, published={setup: reported.get(cell.name, {})})


def _figures(record: StudyRecord) -> dict[str, dict[str, float]]:
    """By cell and metric, what the study itself measured."""
    found: dict[str, dict[str, float]] = {}
    for table in tables.tables(record):
        for row in table.rows:
            if row.mean is not None:
                found.setdefault(row.cell.name, {})[table.metric] = row.mean
    return found
