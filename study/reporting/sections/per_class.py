"""Sections with metrics by class, from the stored counts per image."""

from collections.abc import Mapping, Sequence, Set

import torch
from torch import Tensor

from search_spaces import Grid
from study.analysis import fold_protocol
from study.analysis.image_counts import read_counts
from study.analysis.results import AblationResults, SearchResults
from study.analysis.units import unit_in
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Block, Parts, Points, Prose, Section, Sheet
from study.reporting.values import metric_value
from trainables.metrics import summaries
from trainables.metrics.catalog import TOLERANCES_PX

_METRICS = (
    "iou",
    *(f"boundary_f_{tolerance}px" for tolerance in TOLERANCES_PX),
    *(f"boundary_f_davis_{tolerance}px" for tolerance in TOLERANCES_PX),
    "boundary_iou",
)
"""Those that are always there, in this order; then those that were requested."""
_NEVER_BY_CLASS = ("dice",)

ByCell = Mapping[str, Sequence[Mapping[str, Tensor]]]
"""By cell, for each seed the metrics by class, float64 (K)."""


def of_search(results: SearchResults, folder: StudyFolder) -> Parts:
    """The winner's metrics by class, on the test list if it was measured there, else on the
    validation list; no section without its counts."""
    best, record = results.best, results.record
    if best is None:
        return []
    split, found = "test", read_counts(folder, [best], "test")
    if not found.by_trial and not found.damaged:
        split, found = "val", read_counts(folder, [best], "val")
    if not found.by_trial:
        return _left_out(found.damaged, folder)
    by_class = summaries.by_class(found.by_trial[best.number])
    metrics = _in_order(by_class)
    rows = [
        [name, *(_value(metric, by_class[metric][place]) for metric in metrics)]
        for place, name in enumerate(record.data.classes)
    ]
    caption = Prose(
        f"Trial {best.number} on the {record.data.list_name(split)}; a dash: there is nothing of "
        "the class to score."
    )
    heads = [_head(record, metric) for metric in metrics]
    section = Section("By class", [caption, Sheet(["class", *heads], rows)])
    return [section, *_left_out(found.damaged, folder)]


def of_ablation(results: AblationResults, folder: StudyFolder) -> Parts:
    """Each metric by class and cell, mean over the seeds whose counts are stored, beside the
    papers' figures by class."""
    grid = results.record.plan.grid
    by_cell: dict[str, list[Mapping[str, Tensor]]] = {cell.name: [] for cell in grid.cells}
    cells = {trial.number: trial.cell for trial in results.finalists}
    found = read_counts(folder, results.finalists, results.split)
    for number, counts in found.by_trial.items():
        by_cell[cells[number]].append(summaries.by_class(counts))
    by_cell = {cell: seeds for cell, seeds in by_cell.items() if seeds}
    left_out = _left_out(found.damaged, folder)
    if not by_cell:
        return left_out
    counted = ", ".join(f"{cell} {len(seeds)}" for cell, seeds in by_cell.items())
    over = fold_protocol.paired_by(results.record.plan, "s")
    said = (
        f"On the {results.record.data.list_name(results.split)}, mean over {over} ({counted}); "
        "a dash: there is nothing of the class to score."
    )
    blocks: list[Block] = [Prose(said)]
    for metric in _in_order(next(iter(by_cell.values()))[0]):
        head = Prose(f"`{_head(results.record, metric)}`:")
        blocks += [head, _of_metric(results, by_cell, metric)]
    return [Section("By class", blocks), *left_out]


def _of_metric(results: AblationResults, by_cell: ByCell, metric: str) -> Sheet:
    """Our cells, then the papers' figures of the same metric that were measured as ours."""
    record, apart = results.record, {found.name for found in results.apart}
    means = {
        cell: torch.stack([seed[metric] for seed in seeds if metric in seed]).nanmean(dim=0)
        for cell, seeds in by_cell.items()
        if any(metric in seed for seed in seeds)
    }
    theirs = _published(record.plan.grid, metric, record.data.classes, apart)
    rows = [
        [
            name,
            *(_value(metric, mean_K[place]) for mean_K in means.values()),
            *(metric_value(_known(metric), figures.get(name)) for figures in theirs.values()),
        ]
        for place, name in enumerate(record.data.classes)
    ]
    return Sheet(["class", *means, *theirs], rows)


def _published(
    grid: Grid, metric: str, classes: Sequence[str], apart: Set[str]
) -> dict[str, Mapping[str, float]]:
    """By head, a paper's figures by class, of which these data have at least one."""
    return {
        f"published {cell.name}: {setup}": by_metric[metric]
        for cell in grid.cells
        for setup, by_metric in cell.class_published.items()
        if setup not in apart and metric in by_metric and by_metric[metric].keys() & set(classes)
    }


def _in_order(by_class: Mapping[str, Tensor]) -> list[str]:
    """The usual metrics that are there, then the requested ones."""
    usual = [metric for metric in _METRICS if metric in by_class]
    return [*usual, *(name for name in by_class if name not in (*usual, *_NEVER_BY_CLASS))]


def _known(metric: str) -> str:
    """The catalog's name: the mean of ``iou`` over classes is ``miou`` there."""
    return "miou" if metric == "iou" else metric


def _head(record: StudyRecord, metric: str) -> str:
    unit = unit_in(record, _known(metric))
    return f"{metric} {'%' if unit == 'fraction' else unit}"


def _value(metric: str, value: Tensor) -> str:
    return metric_value(_known(metric), None if value.isnan() else float(value))


def _left_out(damaged: list[str], folder: StudyFolder) -> Parts:
    """The trials whose counts are not in the figures over images and classes, and why."""
    lines = [*damaged, *folder.missing_counts()]
    if not lines:
        return []
    said = "Not in the figures by class, over images and of the worst images:"
    return [Section("Counts left out", [Prose(said), Points(lines)])]
