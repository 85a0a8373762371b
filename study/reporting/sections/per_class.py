"""Metrics by class, from the counts of every image beside the ledger."""

import torch
from torch import Tensor

from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.values import percent
from trainables.metrics import counts_file, per_image

_METRICS = ("iou", "boundary_f_1px", "boundary_f_3px", "boundary_f_5px", "boundary_iou")
_OF_ABLATIONS = "boundary_f_3px"


def of_search(results: SearchResults, folder: StudyFolder) -> Parts:
    """Every metric by class of the winner, on the test list where it was measured there; nothing
    without its counts."""
    best = results.best
    if best is None:
        return []
    split, found = "test", _by_class(folder, best, "test")
    if found is None:
        split, found = "val", _by_class(folder, best, "val")
    if found is None:
        return []
    rows = [
        [name, *(_percent(found[metric][place]) for metric in _METRICS)]
        for place, name in enumerate(results.record.data.classes)
    ]
    said = Prose(
        f"Trial {best.number} on the {split} list, in percent; a dash: the class is in "
        "neither prediction nor truth."
    )
    return [Section("By class", [said, Sheet(["class", *_METRICS], rows)])]


def of_ablation(results: AblationResults, folder: StudyFolder) -> Parts:
    """Boundary F by class and cell, mean over the seeds whose counts are there."""
    split, grid = results.split, results.record.plan.grid
    values: dict[str, list[Tensor]] = {cell.name: [] for cell in grid.cells}
    for trial in results.finalists:
        found = _by_class(folder, trial, split)
        if found is not None:
            values[trial.cell].append(found[_OF_ABLATIONS])
    values = {cell: those for cell, those in values.items() if those}
    if not values:
        return []
    means = {cell: torch.stack(those).nanmean(dim=0) for cell, those in values.items()}
    rows = [
        [name, *(_percent(mean_K[place]) for mean_K in means.values())]
        for place, name in enumerate(results.record.data.classes)
    ]
    seeds = ", ".join(f"{cell} {len(those)}" for cell, those in values.items())
    said = Prose(
        f"`{_OF_ABLATIONS}` by class on the {split} list, in percent, mean over seeds "
        f"({seeds}); a dash: the class has no contour there."
    )
    return [Section("Boundary F by class", [said, Sheet(["class", *means], rows)])]


def _by_class(folder: StudyFolder, trial: TrialRecord, split: str) -> dict[str, Tensor] | None:
    path = folder.counts_of(trial, split)
    return None if path is None else per_image.by_class(counts_file.load(path))


def _percent(value: Tensor) -> str:
    return percent(None if value.isnan() else float(value))
