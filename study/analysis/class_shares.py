"""How much of a difference in mIoU is one of classes that some networks never find.

A network that never finds a class has the IoU 0 there. Beside it, a loss that finds the class gains
much, whatever it does at boundaries.

Shape letter: K classes; a last axis of 3 is true positives, false positives, false negatives.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from study.analysis.image_counts import segments, total_overlap
from study.analysis.results import AblationResults
from study.ledger.study_folder import StudyFolder
from trainables.metrics.overlap import iou, mean_of_present

ByUnit = Mapping[int, Tensor]
"""By seed, or by fold and seed: the overlap of a network (K,3), summed over a list."""


@dataclass(frozen=True, kw_only=True)
class Missed:
    """The classes that a cell's networks never find, and its difference without them."""

    cell: str
    networks: int
    missing: int
    """Networks that never find a class which is there."""
    classes: Mapping[int, int]
    """By class that is missed, the number of networks that miss it; the most first."""
    delta: float | None
    """Mean over pairs of networks of mIoU, cell minus baseline; None for a baseline."""
    shared: int
    """Classes that every network of the cell and of its baseline finds."""
    delta_shared: float | None
    """The difference over these; None for a baseline, or without such a class."""


def overlaps(results: AblationResults, folder: StudyFolder) -> dict[str, dict[int, Tensor]]:
    """By cell and unit, on the list of the study's figures; networks without counts are absent."""
    found: dict[str, dict[int, Tensor]] = {}
    for trial in results.finalists:
        path = folder.counts_of(trial, results.split) if segments(trial) else None
        overlap_K3 = total_overlap(path) if path is not None else None
        if overlap_K3 is not None:
            found.setdefault(trial.cell, {})[trial.unit] = overlap_K3
    order = [cell.name for cell in results.record.plan.grid.cells]
    return {cell: found[cell] for cell in order if cell in found}


def missed(by_cell: Mapping[str, ByUnit], baselines: Mapping[str, str]) -> list[Missed]:
    """A row per cell, in the order given.

    Args:
        by_cell: overlaps by cell and unit.
        baselines: by cell, the one that it is compared with; a baseline's is itself.
    """
    return [
        _missed(cell, by_cell[cell], by_cell.get(baselines[cell], {}), cell == baselines[cell])
        for cell in by_cell
    ]


def _missed(cell: str, networks: ByUnit, beside: ByUnit, is_baseline: bool) -> Missed:
    missed_by = [_never_found(overlap_K3) for overlap_K3 in networks.values()]
    counts = Counter(number for numbers in missed_by for number in numbers)
    shared_K = _found_by_all([*networks.values(), *beside.values()])
    pairs = [] if is_baseline else [(networks[at], beside[at]) for at in networks if at in beside]
    return Missed(
        cell=cell,
        networks=len(networks),
        missing=sum(bool(numbers) for numbers in missed_by),
        classes=dict(counts.most_common()),
        delta=_mean(_miou(one) - _miou(other) for one, other in pairs),
        shared=int(shared_K.sum()),
        delta_shared=_mean(
            _miou(one[shared_K]) - _miou(other[shared_K]) for one, other in pairs if shared_K.any()
        ),
    )


def _never_found(overlap_K3: Tensor) -> list[int]:
    is_there_K = overlap_K3[:, 0] + overlap_K3[:, 2] > 0
    return [int(number) for number in (is_there_K & (overlap_K3[:, 0] == 0)).nonzero()]


def _found_by_all(overlaps: Iterable[Tensor]) -> Tensor:
    """bool (K)."""
    return torch.stack([overlap_K3[:, 0] > 0 for overlap_K3 in overlaps]).all(dim=0)


def _miou(overlap_K3: Tensor) -> float:
    return float(mean_of_present(iou(overlap_K3)))


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None
