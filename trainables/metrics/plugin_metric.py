"""Metrics that a plug-in adds (``METRICS``): counts of each image, and a score of their sum.

Shape letters: H rows, W columns, N images, C counts, R lists of images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainables.config import refused
from trainables.geometry.boundaries import VOID
from trainables.metrics.catalog import Metric

Counts = NDArray[np.float64]
Map = NDArray[np.int64]


@dataclass(frozen=True)
class ImageMetric:
    """A metric of a list of images: a function of the sum of what each image counts."""

    count: Callable[[Map, Map, int], object]
    """``(predicted_HW, labels_HW, num_classes)`` to C finite numbers of one image: predictions
    int64 0..K-1, labels int64 0..K-1 and 255 for void, where predictions must not count. C may
    depend on K, not on the image."""

    score: Callable[[Counts], object]
    """The sum over the images (C) to the metric; NaN if there is nothing to score."""

    direction: Literal["max", "min"] = "max"
    """Whether larger values are better."""

    unit: str = "fraction"
    """``fraction``, printed in percent, or a name that is printed after the value."""

    low: float = 0.0
    high: float = 1.0
    """The least and the largest value."""

    source: str = "a plug-in's metric"
    """What it is, in a few words, for reports."""

    def declared(self) -> Metric:
        """What a study's plan says of it."""
        return Metric(self.direction, self.unit, self.low, self.high, self.source)

    def counts_of(self, predicted_HW: Map, labels_HW: Map, num_classes: int) -> Counts:
        """float64 (C), of one image.

        Raises:
            ValueError: it does not return a list of finite numbers.
        """
        found = self.count(predicted_HW.copy(), labels_HW.copy(), num_classes)
        try:
            counts_C = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError):
            raise refused("count", "a list of finite numbers", found) from None
        if counts_C.ndim != 1 or not counts_C.size or not np.isfinite(counts_C).all():
            raise refused("count", "a list of finite numbers", found)
        return counts_C

    def score_of(self, total_C: Counts) -> float:
        """The metric of a list; NaN if there is nothing to score.

        Raises:
            ValueError: it is no number from ``low`` to ``high``.
        """
        with np.errstate(all="ignore"):  # 0 / 0 is NaN, which says so
            found = self.score(total_C.copy())
        try:
            value = float(found)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise refused("score", "a number", found) from None
        if not (math.isnan(value) or self.low <= value <= self.high):
            raise refused("score", f"{self.low:g} .. {self.high:g}, or NaN", value)
        return value

    def width(self, num_classes: int) -> int:
        """C."""
        void_HW = np.full((8, 8), VOID, dtype=np.int64)
        return len(self.counts_of(np.zeros_like(void_HW), void_HW, num_classes))

    def resampled(self, counts_NC: Counts, weights_RN: Counts) -> NDArray[np.float64]:
        """(R): the metric of R lists, each with image n ``weights_RN[r, n]`` times."""
        return np.array([self.score_of(total_C) for total_C in weights_RN @ counts_NC])


PLUGIN_METRICS: dict[str, ImageMetric] = {}
"""Those of the installed plug-in, by name."""


def try_metric(metric: ImageMetric) -> None:
    """Measure small images: perfect, wrong, of one class, of void alone, of several sizes.

    Raises:
        ValueError: a count or a score is no finite number where there is something to score, counts
            differ in number, depend on the prediction where labels are void, or differ in a second
            call; or the best prediction scores worse than a wrong one, against ``direction``.
    """
    if metric.direction not in ("max", "min"):
        raise refused("direction", "max or min", metric.direction)
    for name in ("unit", "source"):
        text = getattr(metric, name)
        if not isinstance(text, str) or not text or not text.isprintable():
            raise refused(name, "a few printable words", text)
    if not metric.low < metric.high:
        raise refused("low", "less than high", metric.low)
    for num_classes in (2, 3):
        _try_with(metric, num_classes)


def _try_with(metric: ImageMetric, num_classes: int) -> None:
    labels = [_labels(size, num_classes, seed) for seed, size in enumerate(((24, 32), (33, 17)))]
    perfect = [np.where(each == VOID, 0, each) for each in labels]
    wrong = [(each + 1) % num_classes for each in perfect]
    width = metric.width(num_classes)
    totals = []
    for predicted in (perfect, wrong):
        counts = [
            _checked(metric, *pair, num_classes, width)
            for pair in zip(predicted, labels, strict=True)
        ]
        totals.append(np.sum(counts, axis=0))
    best, worst = (metric.score_of(total) for total in totals)
    for value in (best, worst):
        if math.isnan(value):
            raise refused("score", "a number where every class occurs", value)
    if (best < worst) if metric.direction == "max" else (best > worst):
        raise ValueError(
            f"direction must fit the score: {metric.direction} is better, but a perfect "
            f"prediction has {best:g} and one that is wrong everywhere {worst:g}"
        )
    for only in (0, VOID):  # an image of one class, and one of void alone
        one = np.full((16, 16), only, dtype=np.int64)
        counted = _checked(metric, np.zeros_like(one), one, num_classes, width)
        metric.score_of(counted)
        metric.score_of(counted + totals[0])


def _labels(size: tuple[int, int], num_classes: int, seed: int) -> Map:
    """Blocks of classes, with void rows."""
    random = np.random.default_rng(seed)
    blocks = random.permutation(64).reshape(8, 8) % num_classes
    labels = np.kron(blocks, np.ones((5, 5), dtype=np.int64))[: size[0], : size[1]]
    labels[:4] = VOID
    return labels


def _checked(
    metric: ImageMetric, predicted: Map, labels: Map, num_classes: int, width: int
) -> Counts:
    counts = metric.counts_of(predicted, labels, num_classes)
    if len(counts) != width:
        raise refused("count", f"as many numbers for each image, {width}", len(counts))
    if not np.array_equal(counts, metric.counts_of(predicted, labels, num_classes)):
        raise ValueError("count must give the same numbers for the same image, got others")
    other = np.where(labels == VOID, (predicted + 1) % num_classes, predicted)
    if not np.array_equal(counts, metric.counts_of(other, labels, num_classes)):
        raise ValueError(
            f"count must leave out void pixels (label {VOID}): it changes with the prediction there"
        )
    return counts
