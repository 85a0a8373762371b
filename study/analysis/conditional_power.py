"""Whether further seeds can still decide an arm: the conditional power of its last test.

The statistic of the last test is the sum of the differences over the root of their sum of squares,
and it is significant from about the normal quantile on. With normal differences to come, of the
spread so far, the power is a normal probability (Lan, Simon and Halperin, 1982).
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from study.analysis.statistics import ALPHA

HOPELESS = 0.1
"""An arm whose conditional power is below this gets no further seed."""
_NORMAL = NormalDist()
_TINY = 1e-12


def is_hopeless(values_N: NDArray[np.float64], more: int, smallest: float | None) -> bool:
    """Whether an arm can hardly be decided any more.

    Without a smallest effect, only an arm that no further differences can make significant. With
    one, also an arm for which neither a difference of this size nor "same" has a power of 10 % at
    the last look, tested alone.

    Args:
        values_N: its differences so far, in the metric's own unit, like ``smallest``.
        more: the number of seeds to come.
    """
    never = _best_p(values_N, more) > ALPHA
    if smallest is None or len(values_N) < 2:
        return never
    differs = 0.0 if never else power_to_differ(values_N, more, smallest)
    return max(differs, power_to_be_same(values_N, more, smallest)) < HOPELESS


def _best_p(values_N: NDArray[np.float64], more: int) -> float:
    """The lowest two-sided p that any further differences can give.

    Flipping any of the differences that oppose the mean gives a pattern at least as extreme.
    """
    opposing = min(int((values_N > 0).sum()), int((values_N < 0).sum()))
    return float(min(1.0, 2.0 ** (opposing + 1 - len(values_N) - more)))


def power_to_differ(values_N: NDArray[np.float64], more: int, smallest: float) -> float:
    """P(significant at the last look) if the effect to come is ``smallest`` in the direction of
    the mean so far."""
    towards_N = values_N if values_N.sum() >= 0 else -values_N
    return _NORMAL.cdf(_margin(towards_N, more, smallest, ALPHA / 2))


def power_to_be_same(values_N: NDArray[np.float64], more: int, smallest: float) -> float:
    """P(both one-sided tests significant at the last look) if the effect to come is 0."""
    below, above = (
        _NORMAL.cdf(_margin(smallest + sign * values_N, more, smallest, ALPHA)) for sign in (-1, 1)
    )
    # One fails where the noise to come is too high, the other where it is too low.
    return max(0.0, below + above - 1)


def _margin(values_N: NDArray[np.float64], more: int, effect: float, level: float) -> float:
    """How far the expected sum is beyond the one-sided critical value, in standard deviations.

    The differences to come move the sum, and with it the critical value: to first order by ``z *
    effect / root`` of the same, where ``root`` is that of the sum of squares.
    """
    spread, z = max(float(np.std(values_N, ddof=1)), _TINY), _NORMAL.inv_cdf(1 - level)
    root = math.sqrt(float(np.square(values_N).sum()) + more * (spread**2 + effect**2))
    expected = float(values_N.sum()) + more * effect
    moved = spread * math.sqrt(more) * (1 - z * effect / root)
    return (expected - z * root) / max(moved, _TINY)
