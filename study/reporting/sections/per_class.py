"""Sections with metrics by class, from the stored counts per image."""

import torch
from torch import Tensor

from study.analysis.image_counts import read_counts
from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Parts, Points, Prose, Section, Sheet
from study.reporting.values import percent
from trainables.metrics import per_image

_METRICS = ("iou", "boundary_f_1px", "boundary_f_3px", "boundary_f_5px", "boundary_iou")
_OF_ABLATIONS = "boundary_f_3px"


def of_search(results: SearchResults, folder: StudyFolder) -> Parts:
    """The winner's metrics by class, on the test list if it was measured there, else on the
    validation list; no section without its counts."""
    best = results.best
    if best is None:
        return []
    split, found = "test", read_counts(folder, [best], "test")
    if not found.by_trial and not found.damaged:
        split, found = "val", read_counts(folder, [best], "val")
    if not found.by_trial:
        return _left_out(found.damaged, folder)
    by_class = per_image.by_class(found.by_trial[best.number])
    rows = [
        [name, *(_percent(by_class[metric][place]) for metric in _METRICS)]
        for place, name in enumerate(results.record.data.classes)
    ]
    caption = Prose(
        f"Trial {best.number} on the {results.record.data.list_name(split)}, in percent; a dash: "
        "the class is in neither prediction nor truth."
    )
    section = Section("By class", [caption, Sheet(["class", *_METRICS], rows)])
    return [section, *_left_out(found.damaged, folder)]


def of_ablation(results: AblationResults, folder: StudyFolder) -> Parts:
    """Boundary F by class and cell, mean over the seeds whose counts are stored."""
    split, grid = results.split, results.record.plan.grid
    values: dict[str, list[Tensor]] = {cell.name: [] for cell in grid.cells}
    cells = {trial.number: trial.cell for trial in results.finalists}
    found = read_counts(folder, results.finalists, split)
    for number, counts in found.by_trial.items():
        values[cells[number]].append(per_image.by_class(counts)[_OF_ABLATIONS])
    values = {cell: those for cell, those in values.items() if those}
    left_out = _left_out(found.damaged, folder)
    if not values:
        return left_out
    means = {cell: torch.stack(those).nanmean(dim=0) for cell, those in values.items()}
    rows = [
        [name, *(_percent(mean_K[place]) for mean_K in means.values())]
        for place, name in enumerate(results.record.data.classes)
    ]
    seeds = ", ".join(f"{cell} {len(by_seed)}" for cell, by_seed in values.items())
    caption = Prose(
        f"`{_OF_ABLATIONS}` by class on the {results.record.data.list_name(split)}, in percent, "
        f"mean over seeds ({seeds}); a dash: the class has no contour there."
    )
    section = Section("Boundary F by class", [caption, Sheet(["class", *means], rows)])
    return [section, *left_out]


def _left_out(damaged: list[str], folder: StudyFolder) -> Parts:
    """The trials whose counts are not in the figures over images and classes, and why."""
    lines = [*damaged, *folder.missing_counts()]
    if not lines:
        return []
    said = "Not in the figures by class, over images and of the worst images:"
    return [Section("Counts left out", [Prose(said), Points(lines)])]


def _percent(value: Tensor) -> str:
    return percent(None if value.isnan() else float(value))
