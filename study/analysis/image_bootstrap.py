"""A bootstrap over test images: would a difference hold on other images?

Images are resampled, trained networks are not. Seeds show how much training varies; images show how
much the choice of the test list matters. Both cells of a pair are evaluated on the same resampled
lists. Shape letters: N images, R resamples.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from study.analysis.image_counts import counts_by_cell, plugin_counts_by_cell
from study.analysis.statistics import ALPHA
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.metrics.catalog import METRICS
from trainables.metrics.per_image import ImageCounts
from trainables.metrics.plugin_metric import PLUGIN_METRICS, Counts, ImageMetric
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
    return _percentiles(
        [(resample(cell[seed], drawn_RN), resample(baseline[seed], drawn_RN)) for seed in seeds]
    )


def plugin_intervals(
    cell: Mapping[int, Mapping[str, Counts]], baseline: Mapping[int, Mapping[str, Counts]]
) -> dict[str, tuple[float, float]]:
    """The same of a plug-in's metrics, by seed and metric the counts (N,C) of the N images.

    Only of the metrics that are installed in this process: their scores are the plug-in's code.
    """
    found = dict[str, tuple[float, float]]()
    for name, metric in PLUGIN_METRICS.items():
        pairs = [
            (cell[seed][name], baseline[seed][name])
            for seed in sorted(cell.keys() & baseline.keys())
            if name in cell[seed] and name in baseline[seed]
        ]
        if pairs and len(pairs[0][0]) > 1:
            drawn_RN = weights(len(pairs[0][0])).numpy().astype(np.float64)
            both = [
                (
                    {name: _resampled(metric, ours, drawn_RN)},
                    {name: _resampled(metric, theirs, drawn_RN)},
                )
                for ours, theirs in pairs
            ]
            found |= _percentiles(both)
    return found


def _resampled(metric: ImageMetric, counts_NC: Counts, drawn_RN: Counts) -> Tensor:
    return torch.from_numpy(metric.resampled(counts_NC, drawn_RN))


def _percentiles(
    pairs: Sequence[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]],
) -> dict[str, tuple[float, float]]:
    """By metric, the interval of the mean over the pairs of the difference on each list."""
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
    own = plugin_counts_by_cell(folder, record)
    by_metric: dict[str, dict[str, list[float]]] = {}
    for name, counts in cells.items():
        if grid.is_baseline(name):
            continue
        baseline = grid.baseline_of(name)
        found = intervals(counts, cells.get(baseline, {}))
        found |= plugin_intervals(own.get(name, {}), own.get(baseline, {}))
        for metric, interval in found.items():
            by_metric.setdefault(metric, {})[name] = list(interval)
    return by_metric
