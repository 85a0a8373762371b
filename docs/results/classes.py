"""The section of docs/results.md on the classes in which the gains lie, from ``classes.csv``.

``classes.csv`` of a study's report needs the counts of its networks, which are not archived: the
file lies beside the archived ledger.
"""

from collections.abc import Sequence

import pandas
import torch
from torch import Tensor

from docs.results.archive import Archived
from study.analysis.answer import signed
from study.analysis.class_shares import lost, shares
from study.reporting.document import Block, Parts, Prose, Section, Sheet
from study.reporting.sections.class_shares import PIXELS

_SAID = (
    "A difference in mIoU is the sum of its classes' parts. Here: what is left of it without "
    "classes that some network of the loss or of cross-entropy loses (an IoU below 1 %), of the "
    "whole; the class with the largest part; in brackets, how many networks of the loss lose a "
    "class. Percentage points, no verdict."
)


def overlaps(study: Archived) -> dict[str, dict[int, Tensor]]:
    """By cell and seed, pixels (K,3) of the test list: true positives, false positives and false
    negatives; {} without the file."""
    path = study.folder.path / "classes.csv"
    if not path.exists():
        return {}
    table = pandas.read_csv(path, dtype={"cell": str}, keep_default_na=False)
    found: dict[str, dict[int, Tensor]] = {}
    for (cell, seed), rows in table.groupby(["cell", "seed"], sort=False):
        found.setdefault(cell, {})[int(seed)] = torch.from_numpy(rows[[*PIXELS]].to_numpy())
    return found


def section(found: Sequence[Archived]) -> Parts:
    """Losses by datasets on which any network loses a class; nothing without one."""
    columns = {study.dataset: _column(study) for study in found if overlaps(study)}
    losing = {dataset: column for dataset, column in columns.items() if column}
    if not losing:
        return []
    cells = dict.fromkeys(cell for column in losing.values() for cell in column)
    body = [
        [f"`{cell}`", *(column.get(cell, "not run") for column in losing.values())]
        for cell in cells
    ]
    others = " and ".join(dataset for dataset in columns if dataset not in losing)
    none = f" On {others} no network loses a class." if others else ""
    blocks: list[Block] = [Prose(_SAID + none), Sheet(["loss", *losing], body)]
    return [Section("Are the gains those of lost classes?", blocks)]


def _column(study: Archived) -> dict[str, str]:
    """By cell; {} where no network loses a class."""
    by_cell, classes = overlaps(study), study.record.data.classes
    losing = {cell: lost(cell, networks).losing for cell, networks in by_cell.items()}
    if not any(losing.values()):
        return {}
    baseline = study.record.plan.grid.baseline
    return {
        cell: f"{_of_whole(networks, by_cell[baseline], classes) if cell != baseline else ''}"
        f" ({losing[cell]} of {len(networks)})".strip()
        for cell, networks in by_cell.items()
    }


def _of_whole(networks: dict[int, Tensor], baseline: dict[int, Tensor], classes: list[str]) -> str:
    """``+1.85 of +1.98, pedestrian +0.97``."""
    found = shares(networks, baseline)
    assert found is not None, "every cell has a seed of the baseline"
    number, part = next(iter(found.parts.items()))
    intact, delta, most = (signed(each, "miou") for each in (found.delta_intact, found.delta, part))
    return f"{intact} of {delta}, {classes[number]} {most}"
