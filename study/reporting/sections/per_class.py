"""Sections with metrics by class, from the stored counts per image."""

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
    """The winner's metrics by class, on the test list if it was measured there, else on the
    validation list; no section without its counts."""
    best = results.best
    if best is None:
        return []
    split, by_class = "test", _by_class(folder, best, "test")
    if by_class is None:
        split, by_class = "val", _by_class(folder, best, "val")
    if by_class is None:
        return []
    rows = [
        [name, *(_percent(by_class[metric][place]) for metric in _METRICS)]
        for place, name in enumerate(results.record.data.classes)
    ]
    text = Prose(
        f"Trial {best.number} on the {split} list, in percent; a dash: the class is in "
        "neither prediction nor truth."
    )
    return [Section("By class", [text, Sheet(["class", *_METRICS], rows)])]


def of_ablation(results: AblationResults, folder: StudyFolder) -> Parts:
    """Boundary F by class and cell, mean over the seeds whose counts are stored."""
    split, grid = results.split, results.record.plan.grid
    values: dict[str, list[Tensor]] = {cell.name: [] for cell in grid.cells}
    for trial in results.finalists:
        by_class = _by_class(folder, trial, split)
        if by_class is not None:
            values[trial.cell].append(by_class[_OF_ABLATIONS])
    values = {cell: by_seed for cell, by_seed in values.items() if by_seed}
    if not values:
        return []
    means = {cell: torch.stack(by_seed).nanmean(dim=0) for cell, by_seed in values.items()}
    rows = [
        [name, *(_percent(mean_K[place]) for mean_K in means.values())]
        for place, name in enumerate(results.record.data.classes)
    ]
    seeds = ", ".join(f"{cell} {len(by_seed)}" for cell, by_seed in values.items())
    text = Prose(
        f"`{_OF_ABLATIONS}` by class on the {split} list, in percent, mean over seeds "
        f"({seeds}); a dash: the class has no contour there."
    )
    return [Section("Boundary F by class", [text, Sheet(["class", *means], rows)])]


def _by_class(folder: StudyFolder, trial: TrialRecord, split: str) -> dict[str, Tensor] | None:
    path = folder.counts_of(trial, split)
    return None if path is None else per_image.by_class(counts_file.load(path))


def _percent(value: Tensor) -> str:
    return percent(None if value.isnan() else float(value))
