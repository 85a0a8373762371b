"""Where a difference in mIoU lies: the part of each class, and of classes that networks lose.

mIoU is a mean over classes, so that a difference is the sum of the classes' parts: of the
difference of a class's IoU, divided by the number of classes. Where one network loses a class, a
loss that does not gains much there, whatever it does at boundaries.

Shape letter: K classes; a last axis of 3 is true positives, false positives, false negatives.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from study.analysis.image_counts import segments, total_overlap
from study.analysis.lost_classes import is_lost
from study.analysis.results import AblationResults
from study.ledger.design import seed_and_fold
from study.ledger.study_folder import StudyFolder
from trainables.metrics.overlap import iou

ByUnit = Mapping[int, Tensor]
"""By seed, or by fold and seed: the overlap of a network (K,3), summed over a list."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The classes that the networks of a cell lose."""

    cell: str
    networks: int
    losing: int
    """Networks that lose any class."""
    classes: Mapping[int, int]
    """By class that is lost, by how many of them; the most first."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """A cell's mean difference in mIoU from its baseline, and what it is made of."""

    delta: float
    intact: int
    """Classes that no network of the cell and of its baseline loses."""
    delta_intact: float
    """The part of these in ``delta``."""
    parts: Mapping[int, float]
    """By class, its part in ``delta``; the largest first."""


def overlaps(results: AblationResults, folder: StudyFolder) -> dict[str, dict[int, Tensor]]:
    """By cell and unit, on the list of the study's figures; networks that were not measured there,
    or without counts of these classes, are absent."""
    found: dict[str, dict[int, Tensor]] = {}
    for trial in results.finalists:
        if not segments(trial) or results.measured(trial, "miou") is None:
            continue
        path = folder.counts_of(trial, results.split)
        overlap_K3 = total_overlap(path) if path is not None else None
        if overlap_K3 is not None and len(overlap_K3) == len(results.record.data.classes):
            found.setdefault(trial.cell, {})[trial.unit] = overlap_K3
    order = [cell.name for cell in results.record.plan.grid.cells]
    return {cell: found[cell] for cell in order if cell in found}


def lost(cell: str, networks: ByUnit) -> Lost:
    """The classes that a cell's networks lose."""
    lost_by = [is_lost(overlap_K3).nonzero().flatten().tolist() for overlap_K3 in networks.values()]
    counts = Counter(number for numbers in lost_by for number in numbers)
    return Lost(
        cell=cell,
        networks=len(networks),
        losing=sum(bool(numbers) for numbers in lost_by),
        classes=dict(counts.most_common()),
    )


def shares(networks: ByUnit, baseline: ByUnit, folds: int = 0) -> Shares | None:
    """Cell minus baseline over the pairs of networks; None without a pair.

    Args:
        networks: of the cell.
        baseline: the networks of its baseline.
        folds: of the study; each fold is the mean of its seeds, and all count the same.
    """
    by_fold: dict[int, list[Tensor]] = {}
    for unit in sorted(networks.keys() & baseline.keys()):
        part_K = _parts(networks[unit]) - _parts(baseline[unit])
        by_fold.setdefault(seed_and_fold(unit, folds)[1], []).append(part_K)
    if not by_fold:
        return None
    part_K = torch.stack([torch.stack(those).mean(dim=0) for those in by_fold.values()]).mean(dim=0)
    every = [*networks.values(), *baseline.values()]
    there_K = torch.stack([overlap_K3.sum(dim=-1) > 0 for overlap_K3 in every]).any(dim=0)
    intact_K = there_K & ~torch.stack([is_lost(overlap_K3) for overlap_K3 in every]).any(dim=0)
    order = part_K.abs().argsort(descending=True, stable=True)
    return Shares(
        delta=float(part_K.sum()),
        intact=int(intact_K.sum()),
        delta_intact=float(part_K[intact_K].sum()),
        parts={int(number): float(part_K[number]) for number in order if there_K[number]},
    )


def _parts(overlap_K3: Tensor) -> Tensor:
    """float64 (K): each class's part in mIoU; 0 for one in neither prediction nor truth."""
    iou_K = iou(overlap_K3)
    return iou_K.nan_to_num() / (~iou_K.isnan()).sum()
