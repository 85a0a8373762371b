"""A bootstrap over test images: would a difference hold on other images?

Images are resampled, trained networks are not. Seeds show how much training varies; images show how
much the choice of the test list matters. Both cells of a pair are evaluated on the same resampled
lists. Shape letters: N images, R resamples.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from study.analysis.image_counts import counts_by_cell
from study.analysis.statistics import ALPHA
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.metrics.catalog import METRICS
from trainables.metrics.per_image import ImageCounts
from trainables.metrics.summaries import resample

RESAMPLES = 1000


def weights(num_images: int) -> Tensor:
    """Return int64 (R,N): how often each image is in each resampled list."""
    random = np.random.default_rng(0)  # one seed: the same lists for every cell and every report
    even_N = np.full(num_images, 1 / num_images)
    return torch.from_numpy(random.multinomial(num_images, even_N, size=RESAMPLES))


def intervals(
    cell: Mapping[int, ImageCounts], baseline: Mapping[int, ImageCounts]
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of cell - baseline, averaged over the seeds that both have.

    Args:
        cell: by seed, the counts of the test list's N images.
        baseline: by seed, the baseline's counts of the same images.

    Returns:
        By metric, the lowest and the highest difference as fractions. Empty without a common seed
        or with fewer than two images. Metrics in other units are absent, and so are those that are
        undefined on a resampled list.
    """
    seeds = sorted(cell.keys() & baseline.keys())
    if not seeds or len(cell[seeds[0]].overlap_NK3) < 2:
        return {}
    drawn_RN = weights(len(cell[seeds[0]].overlap_NK3))
    pairs = [(resample(cell[seed], drawn_RN), resample(baseline[seed], drawn_RN)) for seed in seeds]
    by_metric = {}
    for name in pairs[0][0]:
        mean_R = torch.stack([ours[name] - theirs[name] for ours, theirs in pairs]).mean(dim=0)
        if METRICS[name].unit == "fraction" and mean_R.isfinite().all():
            by_metric[name] = _interval(mean_R)
    return by_metric


def of_one_network(counts: ImageCounts) -> dict[str, tuple[float, float]]:
    """Percentile intervals of one trained network's metrics over its test images.

    Args:
        counts: of the test list's N images.

    Returns:
        By metric, the lowest and the highest value as fractions; empty with fewer than two images.
        Metrics in other units are absent, and so are those that are undefined on a resampled list.
    """
    images = len(counts.overlap_NK3)
    if images < 2:
        return {}
    values = resample(counts, weights(images))
    return {
        name: _interval(values_R)
        for name, values_R in values.items()
        if METRICS[name].unit == "fraction" and values_R.isfinite().all()
    }


def _interval(values_R: Tensor) -> tuple[float, float]:
    low, high = np.quantile(values_R.numpy(), [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def over_images(folder: StudyFolder, record: StudyRecord) -> dict[str, dict[str, list[float]]]:
    """Intervals of the differences from the cells' baselines, by metric and cell.

    Empty over folds. Cells without stored counts are absent; damaged counts are left out.
    """
    if record.plan.design.folds:
        return {}  # each fold has test images of its own
    cells, grid = counts_by_cell(folder, record), record.plan.grid
    by_metric: dict[str, dict[str, list[float]]] = {}
    for name, counts in cells.items():
        if grid.is_baseline(name):
            continue
        for metric, interval in intervals(counts, cells.get(grid.baseline_of(name), {})).items():
            by_metric.setdefault(metric, {})[name] = list(interval)
    return by_metric
