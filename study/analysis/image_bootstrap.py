"""Would the difference hold on other images? Images are resampled, the trained networks are not.

Seeds say how much training varies; images, how much the test list does. Both cells of a pair are
counted on the same resampled list, and every metric is taken from its counts. Shape letters: N
images, K classes, T tolerances, Z bands, R resamples.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from study.analysis.statistics import ALPHA
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.metrics import bands, boundary, counts_file, overlap
from trainables.metrics.catalog import METRICS, TOLERANCES_PX, TRIMAP_WIDTHS_PX
from trainables.metrics.per_image import ImageCounts

RESAMPLES = 1000
_Values = NDArray[np.float64]


def weights(num_images: int) -> NDArray[np.int64]:
    """(R,N): how often each image is in each resampled list; seeded, the same for every cell."""
    random = np.random.default_rng(0)
    return random.multinomial(num_images, np.full(num_images, 1 / num_images), size=RESAMPLES)


def resampled(counts: ImageCounts, weights_RN: NDArray[np.int64]) -> dict[str, _Values]:
    """By metric, (R): its value on each resampled list; as ``per_image.summarize`` takes it."""
    drawn_RN = weights_RN.astype(np.float64)
    overlap_RK3 = _sums(drawn_RN, counts.overlap_NK3.numpy())
    accuracy_N = bands.mean_boundary_accuracy(counts.around_NR2).numpy()
    regions_RK3 = _sums(drawn_RN, counts.regions_NK3.numpy())
    union_RK = regions_RK3[..., 1] + regions_RK3[..., 2] - regions_RK3[..., 0]
    found = {
        "miou": _iou(overlap_RK3),
        "pixel_accuracy": _divided(
            overlap_RK3[..., 0].sum(-1), overlap_RK3[..., ::2].sum((-2, -1))
        ),
        "dice": _mean(_mean_over_images(drawn_RN, overlap.dice(counts.overlap_NK3).numpy())),
        "boundary_iou": _mean(_divided(regions_RK3[..., 0], union_RK)),
        "mba": _mean_over_images(drawn_RN, accuracy_N[:, None])[:, 0],
    }
    for place, tolerance in enumerate(TOLERANCES_PX):
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, place]).numpy()
        found[f"boundary_f_{tolerance}px"] = _mean(_mean_over_images(drawn_RN, f_NK))
    inside_RZK3 = _sums(drawn_RN, counts.bands_NZK3.numpy()).cumsum(axis=1)
    for place, width in enumerate(TRIMAP_WIDTHS_PX):
        inside_RK3 = inside_RZK3[:, place]
        found[f"trimap_miou_inside_{width}px"] = _iou(inside_RK3)
        found[f"trimap_miou_outside_{width}px"] = _iou(overlap_RK3 - inside_RK3)
    return {name: found[name] for name in METRICS if name in found}


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
    pairs = [
        (resampled(cell[seed], drawn_RN), resampled(baseline[seed], drawn_RN)) for seed in seeds
    ]
    found = {}
    for name in pairs[0][0]:
        mean_R = np.mean([ours[name] - theirs[name] for ours, theirs in pairs], axis=0)
        if np.isfinite(mean_R).all():
            low, high = np.quantile(mean_R, [ALPHA / 2, 1 - ALPHA / 2])
            found[name] = (float(low), float(high))
    return found


def _sums(drawn_RN: _Values, counts: NDArray[np.int64]) -> _Values:
    """Counts of each resampled list: the first axis becomes R."""
    summed: _Values = np.tensordot(drawn_RN, counts, axes=1)
    return summed


def _iou(overlap_RK3: _Values) -> _Values:
    return _mean(_divided(overlap_RK3[..., 0], overlap_RK3.sum(axis=-1)))


def _mean_over_images(drawn_RN: _Values, values_NK: _Values) -> _Values:
    """(R,K): the mean over the drawn images that have a value."""
    known_NK = np.isfinite(values_NK)
    total_RK = drawn_RN @ np.where(known_NK, values_NK, 0)
    return _divided(total_RK, drawn_RN @ known_NK)


def _divided(over: _Values, under: _Values) -> _Values:
    """NaN where there is nothing to divide by."""
    return np.divide(over, under, out=np.full_like(under, np.nan), where=under > 0)


def _mean(values_RK: _Values) -> _Values:
    """Over the classes that occur; NaN where none does."""
    known_RK = np.isfinite(values_RK)
    return _divided(np.where(known_RK, values_RK, 0).sum(axis=-1), known_RK.sum(axis=-1) * 1.0)


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
