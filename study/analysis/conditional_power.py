"""Whether further seeds can still decide an arm: the conditional power of its last test.

The differences to come are drawn from a normal distribution of the spread so far, and the exact
test is made of each such future (stochastic curtailment; Lan, Simon and Halperin, 1982). The draws
are seeded, so that a look that is taken again finds the same.

Shape letters: F sign patterns, N seeds, S simulated futures.
"""

import numpy as np
from numpy.typing import NDArray

from study.analysis.max_t import sign_patterns
from study.analysis.spending import ROUNDING
from study.analysis.statistics import ALPHA

HOPELESS = 0.1
"""An arm whose conditional power is below this gets no further seed."""
_FUTURES = 200


def is_hopeless(values_N: NDArray[np.float64], more: int, smallest: float | None) -> bool:
    """Whether an arm can hardly be decided any more.

    Without a smallest effect, only an arm that no further differences can make significant. With
    one, also an arm for which neither a difference of this size, or of the size seen so far if
    that is larger, nor "same" has a power of 10 % at the last look, tested alone.

    Args:
        values_N: its differences so far, in the metric's own unit, like ``smallest``.
        more: the number of seeds to come.
    """
    never = _best_p(values_N, more) > ALPHA
    if smallest is None or len(values_N) < 2:
        return never
    effect = max(smallest, abs(float(values_N.mean())))
    differs = 0.0 if never else power_to_differ(values_N, more, effect)
    return max(differs, power_to_be_same(values_N, more, smallest)) < HOPELESS


def _best_p(values_N: NDArray[np.float64], more: int) -> float:
    """The lowest two-sided p that any further differences can give.

    Flipping any of the differences that oppose the mean gives a pattern at least as extreme.
    """
    opposing = min(int((values_N > 0).sum()), int((values_N < 0).sum()))
    return float(min(1.0, 2.0 ** (opposing + 1 - len(values_N) - more)))


def power_to_differ(values_N: NDArray[np.float64], more: int, effect: float) -> float:
    """P(significant at the last look) if the effect to come is ``effect`` in the direction of the
    mean so far."""
    towards_N = values_N if values_N.sum() >= 0 else -values_N
    sums_FS = _sums(_futures(towards_N, more, effect))
    p_S = (np.abs(sums_FS) >= np.abs(sums_FS[0]) * (1 - ROUNDING)).mean(axis=0)
    return float((p_S <= ALPHA).mean())


def power_to_be_same(values_N: NDArray[np.float64], more: int, smallest: float) -> float:
    """P(both one-sided tests significant at the last look) if the effect to come is 0."""
    futures_NS = _futures(values_N, more, 0.0)
    both_S = np.ones(_FUTURES, dtype=bool)
    for sign in (-1, 1):
        sums_FS = _sums(smallest + sign * futures_NS)
        slack_S = ROUNDING * np.abs(sums_FS[0])
        both_S &= (sums_FS >= sums_FS[0] - slack_S).mean(axis=0) <= ALPHA
    return float(both_S.mean())


def _futures(values_N: NDArray[np.float64], more: int, effect: float) -> NDArray[np.float64]:
    """(N,S): the differences so far, and those to come."""
    spread = float(np.std(values_N, ddof=1))
    to_come = np.random.default_rng(0).normal(effect, spread, size=(more, _FUTURES))
    return np.concatenate([np.repeat(values_N[:, None], _FUTURES, axis=1), to_come])


def _sums(values_NS: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,S): under each pattern of signs, the first being that of the values themselves. The sum of
    squares is the same for all, so sums compare as the statistics do."""
    return sign_patterns(len(values_NS)) @ values_NS
