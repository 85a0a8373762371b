"""Metrics by class, from the counts of each image that lie beside the ledger."""

from pathlib import Path

import torch
from torch import Tensor

from study.analysis.tables import split_of
from study.ledger import study_folder
from study.ledger.record import StudyRecord, TrialRecord
from study.reporting.document import Block, Prose, Section, Sheet
from trainables.metrics import counts_file, per_image

_METRICS = ("iou", "boundary_f_1px", "boundary_f_3px", "boundary_f_5px", "boundary_iou")
_OF_GRIDS = "boundary_f_3px"


def of_search(record: StudyRecord, study: Path) -> list[Block | Section]:
    """Every metric by class of the winner, on the list on which it chose nothing where it was
    measured there; nothing without its counts."""
    best = record.best()
    found = None if best is None else _by_class(study, best, "test")
    split = "test"
    if found is None and best is not None:
        found, split = _by_class(study, best, "val"), "val"
    if best is None or found is None:
        return []
    rows = [
        [name, *(_percent(found[metric][place]) for metric in _METRICS)]
        for place, name in enumerate(record.plan["data"]["classes"])
    ]
    said = Prose(
        f"Trial {best.number} on the {split} list, in percent; a dash: the class is in "
        "neither prediction nor truth."
    )
    return [Section("By class", [said, Sheet(["class", *_METRICS], rows)])]


def of_grid(record: StudyRecord, study: Path) -> list[Block | Section]:
    """Boundary F by class and cell, mean over the seeds whose counts are there."""
    split = split_of(record)
    values: dict[str, list[Tensor]] = {cell["name"]: [] for cell in record.plan["grid"]["cells"]}
    for trial in record.compared().in_state("complete"):
        found = _by_class(study, trial, split)
        if found is not None:
            values[trial.cell].append(found[_OF_GRIDS])
    values = {cell: those for cell, those in values.items() if those}
    if not values:
        return []
    means = {cell: torch.stack(those).nanmean(dim=0) for cell, those in values.items()}
    rows = [
        [name, *(_percent(mean_K[place]) for mean_K in means.values())]
        for place, name in enumerate(record.plan["data"]["classes"])
    ]
    seeds = ", ".join(f"{cell} {len(those)}" for cell, those in values.items())
    said = Prose(
        f"`{_OF_GRIDS}` by class on the {split} list, in percent, mean over seeds "
        f"({seeds}); a dash: the class has no contour there."
    )
    return [Section("Boundary F by class", [said, Sheet(["class", *means], rows)])]


def _by_class(study: Path, trial: TrialRecord, split: str) -> dict[str, Tensor] | None:
    path = study_folder.counts_of(study, trial, split)
    return None if path is None else per_image.by_class(counts_file.load(path))


def _percent(value: Tensor) -> str:
    return "-" if value.isnan() else f"{100 * float(value):.2f}"
