"""How much each test image contributes to a metric, whatever the metric.

A metric of a list is a function of the images' weights, all 1. Its derivative by an image's weight,
times the number of images, is the image's influence (the infinitesimal jackknife: Jaeckel, 1972;
Efron, 1982, chapter 6). A mean over images is linear, and the metric plus the influence is then the
image's own value; a ratio of sums, such as mIoU, is linearised.

Shape letters: S seeds, N images.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.metrics.per_image import ImageCounts
from trainables.metrics.summaries import resample


def contributions(counts: ImageCounts, metric: str) -> NDArray[np.float64] | None:
    """(N): the metric plus each image's influence on it; their mean is the metric.

    None for a metric that is undefined here, or has no value on lists of single images (those of
    volumes and films).
    """
    found = _derivative(counts, metric)
    if found is not None and not found[1].isfinite().all():
        # 0 / 0 of an absent class has no derivative, also where no mean has the class.
        without = _derivative(_of_present_classes(counts), metric)
        found = without if without is not None and without[0] == found[0] else None
    if found is None or not found[0].isfinite() or not found[1].isfinite().all():
        return None
    value, slope_N = found
    contribution_N: NDArray[np.float64] = (value + len(slope_N) * slope_N).numpy()
    return contribution_N


def by_seed(counts: Mapping[int, ImageCounts], metric: str) -> dict[int, NDArray[np.float64]]:
    """The contributions on each seed; seeds without any are absent."""
    found = {seed: contributions(each, metric) for seed, each in counts.items()}
    return {seed: each_N for seed, each_N in found.items() if each_N is not None}


def differences(
    cell: Mapping[int, NDArray[np.float64]], baseline: Mapping[int, NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """(S,N): each image's contribution to cell - baseline, on the seeds that both have.

    None with fewer than two of these seeds, or fewer than two images.
    """
    rows = [cell[seed] - baseline[seed] for seed in sorted(cell.keys() & baseline.keys())]
    return np.stack(rows) if len(rows) > 1 and len(rows[0]) > 1 else None


def _derivative(counts: ImageCounts, metric: str) -> tuple[Tensor, Tensor] | None:
    """The metric, and (N) its derivative by the images' weights."""
    weights_1N = torch.ones(1, len(counts.overlap_NK3), dtype=torch.float64, requires_grad=True)
    value_1 = resample(counts, weights_1N).get(metric)
    if value_1 is None or not value_1.requires_grad:
        return None
    (slope_1N,) = torch.autograd.grad(value_1.sum(), weights_1N)
    return value_1.detach()[0], slope_1N[0]


def _of_present_classes(counts: ImageCounts) -> ImageCounts:
    """The counts without the classes that occur in no prediction and no label."""
    present_K = counts.overlap_NK3.sum(dim=(0, 2)).nonzero().flatten()
    tables = {}
    for name, table in counts._asdict().items():
        axes = name.rpartition("_")[2]  # a letter per axis
        place = axes.find("K")
        tables[name] = table if place < 0 else table.index_select(place, present_K)
    return ImageCounts(**tables)
