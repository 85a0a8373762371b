"""Would the difference hold on other images? Images are resampled, the trained networks are not.

Seeds say how much training varies; images, how much the test list does. Both cells of a pair are
counted on the same resampled list. Shape letters: N images, K classes, R resamples.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from study.statistics import ALPHA

RESAMPLES = 1000
_Counts = NDArray[np.int64]


def miou(overlap_RK3: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R): mean IoU over the classes that occur, from true positives, false positives and false
    negatives."""
    total_RK = overlap_RK3.sum(axis=-1)
    iou_RK = np.divide(
        overlap_RK3[..., 0], total_RK, out=np.full_like(total_RK, np.nan), where=total_RK > 0
    )
    mean_R: NDArray[np.float64] = np.nanmean(iou_RK, axis=-1)
    return mean_R


def weights(num_images: int) -> NDArray[np.int64]:
    """(R,N): how often each image is in each resampled list; seeded, the same for every cell."""
    random = np.random.default_rng(0)
    return random.multinomial(num_images, np.full(num_images, 1 / num_images), size=RESAMPLES)


def interval(
    cell: Mapping[int, _Counts], baseline: Mapping[int, _Counts]
) -> tuple[float, float] | None:
    """Percentile interval of the mean over common seeds of mIoU(cell) - mIoU(baseline).

    Args:
        cell: seed to (N,K,3) counts of the same N images.
        baseline: the same of the other cell.

    Returns:
        Lowest and highest, as fractions; None without a common seed or with fewer than two images.
    """
    seeds = sorted(cell.keys() & baseline.keys())
    if not seeds or len(cell[seeds[0]]) < 2:
        return None
    weights_RN = weights(len(cell[seeds[0]])).astype(np.float64)
    differences = [
        miou(np.tensordot(weights_RN, cell[seed], axes=1))
        - miou(np.tensordot(weights_RN, baseline[seed], axes=1))
        for seed in seeds
    ]
    low, high = np.quantile(np.mean(differences, axis=0), [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)
