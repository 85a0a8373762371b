"""The section of docs/results.md on classes that networks never find, from ``classes.csv``.

``classes.csv`` of a study's report needs the counts of its networks, which are not archived: the
file lies beside the archived ledger.
"""

from collections.abc import Sequence

import pandas
import torch
from torch import Tensor

from docs.results.archive import Archived
from study.analysis.answer import signed
from study.analysis.missed_classes import Missed, missed
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.sections.missed_classes import PIXELS

_SAID = (
    "How many networks never find a class of the test list (no pixel of it is right, its IoU is "
    "0). Where a network of a loss or of cross-entropy misses one, also their difference over the "
    "classes that every network of both finds, in percentage points of mIoU; no verdict. On "
    "datasets that are not here every network finds every class."
)


def overlaps(study: Archived) -> dict[str, dict[int, Tensor]]:
    """By cell and seed, pixels (K,3) of the test list: true positives, false positives and false
    negatives; {} without the file."""
    path = study.folder.path / "classes.csv"
    if not path.exists():
        return {}
    found: dict[str, dict[int, Tensor]] = {}
    for (cell, seed), rows in pandas.read_csv(path).groupby(["cell", "seed"], sort=False):
        pixels_K3 = torch.from_numpy(rows[[*PIXELS]].to_numpy())
        found.setdefault(str(cell).removeprefix("'"), {})[int(seed)] = pixels_K3
    return found


def section(found: Sequence[Archived]) -> Parts:
    """Losses by datasets on which any network misses a class; nothing without one."""
    columns = {study.dataset: _column(study) for study in found}
    shown = {dataset: column for dataset, column in columns.items() if column}
    if not shown:
        return []
    cells = dict.fromkeys(cell for column in shown.values() for cell in column)
    body = [
        [f"`{cell}`", *(column.get(cell, "not run") for column in shown.values())] for cell in cells
    ]
    said = Sheet(["loss", *shown], body)
    return [Section("Are the gains those of classes never found?", [Prose(_SAID), said])]


def _column(study: Archived) -> dict[str, str]:
    """By cell; {} where every network finds every class."""
    rows = missed(overlaps(study), study.record.plan.grid.baseline_by_cell)
    if not any(row.missing for row in rows):
        return {}
    return {row.cell: _text(row, len(study.record.data.classes)) for row in rows}


def _text(row: Missed, classes: int) -> str:
    misses = f"{row.missing} of {row.networks}"
    if row.delta_shared is None or row.shared == classes:
        return misses
    return f"{misses}; {signed(row.delta_shared, 'miou')} over {row.shared} of {classes}"
