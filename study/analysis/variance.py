"""Why a difference is uncertain: the seeds, the test images, or their interaction.

Y[s, i] is a difference of two cells on seed s, as image i contributes to it. It is the sum of the
mean, of a[s], b[i] and e[s, i], crossed random effects. Their variances are estimated by the method
of moments from the two-way analysis of variance without replication, which is unbiased (Searle,
Casella and McCulloch, Variance Components, 1992, section 4.7). The mean over S seeds and N images
has the variance a / S + b / N + e / (S N).

Shape letters: S seeds, N images, R resamples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.analysis.statistics import ALPHA

RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Components:
    """Variances of a difference, in squares of the metric's unit, and what they were measured on.

    An estimate may be negative, which means that nothing of this kind was seen.
    """

    of_seeds: float
    of_images: float
    of_interaction: float
    seeds: int
    images: int

    def shares(self) -> tuple[float, float, float]:
        """The shares of seeds, images and interaction in the variance of the mean, in [0, 1]."""
        parts = self._parts(self.seeds, self.images)
        total = sum(parts)
        return (parts[0] / total, parts[1] / total, parts[2] / total) if total else (0, 0, 0)

    def width(self, seeds: int, images: int) -> float:
        """The width of the interval that holds the mean over all seeds and all images.

        Student's t with Satterthwaite's (1946) degrees of freedom, both as expected for a study of
        this size, at least 2 of each.
        """
        from scipy import stats  # takes a second to import

        total = sum(self._parts(seeds, images))
        if not total:
            return 0.0
        noise = max(self.of_interaction, 0)
        by_seed = noise + images * max(self.of_seeds, 0)
        by_image = noise + seeds * max(self.of_images, 0)
        uncertain = (
            by_seed**2 / (seeds - 1)
            + by_image**2 / (images - 1)
            + noise**2 / ((seeds - 1) * (images - 1))
        )
        freedom = (by_seed + by_image - noise) ** 2 / uncertain
        return float(2 * stats.t.ppf(1 - ALPHA / 2, freedom) * np.sqrt(total))

    def _parts(self, seeds: int, images: int) -> tuple[float, float, float]:
        """The variance of a mean, by its cause."""
        return (
            max(self.of_seeds, 0) / seeds,
            max(self.of_images, 0) / images,
            max(self.of_interaction, 0) / (seeds * images),
        )


def components(values_SN: NDArray[np.float64]) -> Components:
    """The variance components of a complete table; at least two seeds and two images."""
    seeds, images = values_SN.shape
    mean = values_SN.mean()
    seed_S1 = values_SN.mean(axis=1, keepdims=True) - mean
    image_1N = values_SN.mean(axis=0, keepdims=True) - mean
    rest_SN = values_SN - mean - seed_S1 - image_1N
    noise = float(np.square(rest_SN).sum() / ((seeds - 1) * (images - 1)))
    return Components(
        of_seeds=float(np.square(seed_S1).sum() / (seeds - 1)) - noise / images,
        of_images=float(np.square(image_1N).sum() / (images - 1)) - noise / seeds,
        of_interaction=noise,
        seeds=seeds,
        images=images,
    )


def two_way_interval(values_SN: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the mean if seeds and images are both resampled (Owen, The
    pigeonhole bootstrap, 2007).

    It counts the interaction three times: where that dominates it is too wide. With few seeds it is
    too narrow where they dominate, as the BCa interval is. The same values give the same interval.
    """
    random = np.random.default_rng(0)
    seeds, images = values_SN.shape
    drawn_RS = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES)
    drawn_RN = random.multinomial(images, np.full(images, 1 / images), size=RESAMPLES)
    means_R = ((drawn_RS @ values_SN) * drawn_RN).sum(axis=1) / values_SN.size
    low, high = np.quantile(means_R, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)
