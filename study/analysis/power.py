"""What a plan's seeds can find: the difference that its test finds in four studies of five, and the
seeds that a difference needs.

Simulated, since the exact test has steps: paired differences are normal and equally spread, one
cell differs, and the others of the table do not, which is the hardest case for max-T. Up to
``EXACT`` seeds every sign pattern is tried, as the test does. With more seeds, where the steps are
small, the patterns' bound is that of the largest statistic over tables without any difference.

Differences are in standard deviations of a paired difference. Shape letters: R repeats, F sign
patterns, N seeds, C cells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from study.analysis.statistics import ALPHA, fewest_seeds
from study.ledger.plan import Correction

POWER = 0.8
SMALLEST = 0.002
"""A difference between fractions that is small but may matter: 0.2 percentage points."""
INDEPENDENT = 0.5
"""Correlation of two cells' differences if all runs are independent: they share the baseline."""
MOST_SEEDS = 200
"""No study of more seeds is proposed."""
EXACT = 9
_PATTERNS, _MOST_REPEATS, _REPEATS_OF_LIMIT = 600_000, 16_000, 40_000
"""Of all simulated tables together; tables: the standard error of a power of 80 % is below 0.9 %,
and 0.3 % for six seeds."""
_AT_ONCE = 500
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """The table in which a difference is to be found."""

    count: int
    """Cells beside the baseline."""
    correction: Correction = "max_t"
    correlation: float = INDEPENDENT
    """Of two cells' differences over seeds, in [0, 1)."""


def detectable(seeds: int, comparisons: Comparisons) -> float | None:
    """The smallest difference that is found with probability ``POWER``; None if none is."""
    if seeds < fewest_seeds(comparisons.count, comparisons.correction):
        return None
    low, high = 0.0, 1.0
    while power(high, seeds, comparisons) < POWER:
        low, high = high, 2 * high
    for _ in range(12):
        middle = (low + high) / 2
        enough = power(middle, seeds, comparisons) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def seeds_for(difference: float, comparisons: Comparisons) -> int | None:
    """The fewest seeds that find this difference, > 0, with probability ``POWER``.

    None if more than ``MOST_SEEDS`` are needed.
    """
    low = fewest_seeds(comparisons.count, comparisons.correction) - 1
    high = low + 1
    while power(difference, high, comparisons) < POWER:
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        enough = power(difference, middle, comparisons) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def power(difference: float, seeds: int, comparisons: Comparisons) -> float:
    """How often so many seeds find a cell's difference."""
    return _found(seeds, comparisons)(difference)


@lru_cache(maxsize=16)
def _found(seeds: int, comparisons: Comparisons) -> Callable[[float], float]:
    """The power as a function of the difference; the same simulated tables serve all."""
    return (_exact if seeds <= EXACT else _limit)(seeds, comparisons)


def _exact(seeds: int, comparisons: Comparisons) -> Callable[[float], float]:
    """The test itself, on simulated tables."""
    random, signs_FN = np.random.default_rng(seeds), _half_of_the_patterns(seeds)
    repeats = min(_MOST_REPEATS, _PATTERNS // len(signs_FN))
    tables_RNC = _correlated(random, (repeats, seeds), comparisons)
    own_RN, times = tables_RNC[:, :, 0].copy(), comparisons.count
    rivals_RF = np.zeros((1, 1))
    if comparisons.correction == "max_t":
        rivals_RF, times = _largest(tables_RNC[:, :, 1:], signs_FN), 1

    def found(difference: float) -> float:
        statistics_RF = _statistics(own_RN + difference, signs_FN)
        observed_R1 = statistics_RF[:, :1] * (1 - _ROUNDING)
        reached_RF = np.maximum(statistics_RF, rivals_RF) >= observed_R1
        return float((times * reached_RF.mean(axis=1) <= ALPHA).mean())

    return found


def _limit(seeds: int, comparisons: Comparisons) -> Callable[[float], float]:
    """Sums and sums of squares alone: of normal differences both are drawn directly."""
    random = np.random.default_rng(seeds)
    sums_RC = _correlated(random, (_REPEATS_OF_LIMIT,), comparisons)
    rest_RC = random.chisquare(seeds - 1, size=sums_RC.shape)

    def statistics(sums: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.abs(sums) / np.sqrt(np.square(sums) + rest)

    null_RC, level = statistics(sums_RC, rest_RC), ALPHA
    if comparisons.correction == "holm":
        null_RC, level = null_RC[:, :1], ALPHA / comparisons.count
    bound = np.quantile(null_RC.max(axis=1), 1 - level)

    def found(difference: float) -> float:
        shifted_R = sums_RC[:, 0] + np.sqrt(seeds) * difference
        return float((statistics(shifted_R, rest_RC[:, 0]) >= bound).mean())

    return found


def _correlated(
    random: np.random.Generator, shape: tuple[int, ...], comparisons: Comparisons
) -> NDArray[np.float64]:
    """(...,C): standard normal, the cells correlated as their differences are."""
    own_C = random.standard_normal((*shape, comparisons.count))
    shared_1 = random.standard_normal((*shape, 1))
    share = comparisons.correlation
    return np.sqrt(1 - share) * own_C + np.sqrt(share) * shared_1


def _half_of_the_patterns(seeds: int) -> NDArray[np.float64]:
    """(F,N): signs, all plus first; the other half has the same statistics."""
    bits_FN = np.arange(2 ** (seeds - 1))[:, None] >> np.arange(seeds) & 1
    return np.where(bits_FN == 0, 1.0, -1.0)


def _largest(rivals_RNC: NDArray[np.float64], signs_FN: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,F): the largest statistic of the other cells under each pattern; 0 without any."""
    largest_RF = np.zeros((len(rivals_RNC), len(signs_FN)))
    for start in range(0, len(rivals_RNC), _AT_ONCE):
        for cell_RN in np.moveaxis(rivals_RNC[start : start + _AT_ONCE], 2, 0):
            part_RF = largest_RF[start : start + _AT_ONCE]
            np.maximum(part_RF, _statistics(cell_RN, signs_FN), out=part_RF)
    return largest_RF


def _statistics(
    differences_RN: NDArray[np.float64], signs_FN: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(R,F): |sum| over the root of the sum of squares, the statistic of ``max_t.py``."""
    length_R1 = np.sqrt(np.square(differences_RN).sum(axis=1, keepdims=True))
    return np.abs(differences_RN @ signs_FN.T) / length_R1
