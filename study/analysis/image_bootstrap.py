"""Would the difference hold on other images? Images are resampled, the trained networks are not.

Seeds say how much training varies; images, how much the test list does. Both cells of a pair are
counted on the same resampled list, and every metric is taken from its counts. Shape letters: N
images, K classes, T tolerances, Z bands, R resamples.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from study.analysis.statistics import ALPHA
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.metrics import counts_file
from trainables.metrics.catalog import METRICS
from trainables.metrics.per_image import ImageCounts, resample

RESAMPLES = 1000


def weights(num_images: int) -> Tensor:
    """int64 (R,N): how often each image is in each resampled list; the same for every cell."""
    random = np.random.default_rng(0)
    even_N = np.full(num_images, 1 / num_images)
    return torch.from_numpy(random.multinomial(num_images, even_N, size=RESAMPLES))


def intervals(
    cell: Mapping[int, ImageCounts], baseline: Mapping[int, ImageCounts]
) -> dict[str, tuple[float, float]]:
    """By metric, the percentile interval of the mean over common seeds of cell - baseline.

    Args:
        cell: by seed, the counts of the same N images.
        baseline: the same of the other cell.

    Returns:
        Lowest and highest, in the metric's unit; nothing without a common seed, with fewer than two
        images, or for a metric that some resampled list does not have.
    """
    seeds = sorted(cell.keys() & baseline.keys())
    if not seeds or len(cell[seeds[0]].overlap_NK3) < 2:
        return {}
    drawn_RN = weights(len(cell[seeds[0]].overlap_NK3))
    pairs = [(resample(cell[seed], drawn_RN), resample(baseline[seed], drawn_RN)) for seed in seeds]
    found = {}
    for name in pairs[0][0]:
        mean_R = torch.stack([ours[name] - theirs[name] for ours, theirs in pairs]).mean(dim=0)
        if METRICS[name].unit == "fraction" and mean_R.isfinite().all():
            low, high = np.quantile(mean_R.numpy(), [ALPHA / 2, 1 - ALPHA / 2])
            found[name] = (float(low), float(high))
    return found


def over_images(folder: StudyFolder, record: StudyRecord) -> dict[str, dict[str, list[float]]]:
    """By metric and cell, how far an ablation's delta moves with the images of the test list; cells
    without counts are left out."""
    cells: dict[str, dict[int, ImageCounts]] = {}
    for trial in record.compared().in_state("complete"):
        path = folder.counts_of(trial, "test")
        if path is not None:
            cells.setdefault(trial.cell, {})[trial.seed] = counts_file.load(path)
    baseline = cells.pop(record.plan.grid.baseline, {})
    found: dict[str, dict[str, list[float]]] = {}
    for name, counts in cells.items():
        for metric, interval in intervals(counts, baseline).items():
            found.setdefault(metric, {})[name] = list(interval)
    return found
