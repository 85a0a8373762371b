"""The comparison of cells over the folds of a k-fold cross-validation.

Any two folds train on mostly the same images, and the seeds of a fold share its test images, too:
their differences are not independent. A sign-flip test or an ordinary t-test over them takes them
for independent and calls far too much significant; besides, five folds can reach no sign-flip p
below 2/32. The corrected resampled t-test (Nadeau and Bengio, Inference for the Generalization
Error, Machine Learning 52, 2003, section 4) adds to the variance of the mean what shared training
images add: with n differences of variance s^2, it is (1/n + n_test/n_train) s^2.

Two of these tests must agree, and the larger p counts. Over the K means of a fold's seeds (K-1
degrees of freedom), it does not take the seeds of a fold for independent. Over all K x S
differences (Bouckaert and Frank, 2004), its second term does not shrink with the number of seeds,
whose training images are the same. ``tests/benchmarks/fold_error.py`` simulates both.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.analysis.sign_flips import Baseline, differences, holm, superiority
from study.analysis.statistics import ALPHA, Comparison, verdict
from study.ledger.design import seed_and_fold

FEWEST, MOST = 5, 10
"""Numbers of folds for which the error of the test is known."""
LEAST_RATIO = 1 / 4
"""Of test to training images: that of five folds. With the smaller one of ten folds the test errs
where a network's figure depends on its training images more than on its test images."""
_ROUNDING = 1e-12
"""A spread below this share of the values is none."""


def compare(
    cells: Mapping[str, Mapping[int, float]],
    baseline: Baseline,
    mode: str,
    folds: int,
    ratio: float,
) -> dict[str, Comparison]:
    """Compare every other cell with its baseline, corrected over all comparisons by Holm's method.

    Args:
        cells: by cell and unit (``Ablation.units``), the metric's value; runs that failed are
            absent.
        baseline: of the others.
        mode: ``max`` if larger is better, ``min`` if smaller is.
        folds: of the study.
        ratio: test images by training images of a fold; at least ``LEAST_RATIO`` is taken.

    Returns:
        By cell, its comparison; baselines are absent.
    """
    by_cell, ratio = differences(cells, baseline), max(ratio, LEAST_RATIO)
    tests = {name: corrected_t(by_fold(values, folds), ratio) for name, values in by_cell.items()}
    corrected = holm({name: test.p for name, test in tests.items() if test.p is not None})
    return {
        name: _comparison(list(values.values()), tests[name], corrected.get(name), mode)
        for name, values in by_cell.items()
    }


def by_fold(values: Mapping[int, float], folds: int) -> dict[int, list[float]]:
    """By fold, the values of its seeds; folds without any are absent."""
    found: dict[int, list[float]] = {}
    for unit, value in values.items():
        found.setdefault(seed_and_fold(unit, folds)[1], []).append(value)
    return {fold: found[fold] for fold in sorted(found)}


def fewest_folds(cells: Sequence[Mapping[int, float]], folds: int) -> int:
    """The number of folds with a value, of the cell that has the fewest."""
    return min((len(by_fold(values, folds)) for values in cells), default=0)


class Tested(NamedTuple):
    """A mean difference and its test; what cannot be computed is None."""

    mean: float | None = None
    interval: tuple[float | None, float | None] = None, None
    p: float | None = None
    """Two-sided."""


def corrected_t(of_folds: Mapping[int, Sequence[float]], ratio: float) -> Tested:
    """The mean over the folds' means, its interval and its p.

    All are None without differences; interval and p with fewer than ``FEWEST`` folds. Folds of
    equal means have no spread to test by: p is 1.
    """
    if not of_folds:
        return Tested()
    means_K = np.array([math.fsum(values) / len(values) for values in of_folds.values()])
    mean = math.fsum(means_K) / len(means_K)
    if len(means_K) < FEWEST:
        return Tested(mean)
    if float(np.std(means_K)) <= _ROUNDING * float(np.abs(means_K).max(initial=0)):
        return Tested(mean, p=1.0)
    every_N = np.array([value for values in of_folds.values() for value in values])
    tests = [_test(mean, sample, ratio) for sample in (means_K, every_N)]
    half, p = (max(figures) for figures in zip(*tests, strict=True))
    return Tested(mean, (mean - half, mean + half), p)


def _test(mean: float, sample_N: NDArray[np.float64], ratio: float) -> tuple[float, float]:
    """Half of the interval of a mean, and its p, by the corrected resampled t-test."""
    from scipy import stats  # takes a second to import

    count = len(sample_N)
    error = math.sqrt((1 / count + ratio) * float(np.var(sample_N, ddof=1)))
    half = float(stats.t.ppf(1 - ALPHA / 2, count - 1)) * error
    return half, float(2 * stats.t.sf(abs(mean) / error, count - 1))


def _comparison(
    every: list[float],
    test: Tested,
    p_corrected: float | None,
    mode: str,
) -> Comparison:
    return Comparison(
        n=len(every),
        mean=test.mean,
        low=test.interval[0],
        high=test.interval[1],
        p=test.p,
        p_corrected=p_corrected,
        p_holm=p_corrected,
        superiority=superiority(every, mode),
        verdict=verdict(test.mean, p_corrected, mode),
    )
