"""Effects over several studies that need not have the same true effect: random effects.

Study i has the effect y[i] with the variance v[i]; its true effect is normal around the mean, with
the variance tau^2 between studies. tau^2 is Paule's and Mandel's, median-unbiased (Viechtbauer,
2021): the one at which Cochran's Q is the median of its chi-squared distribution. The interval is
Hartung's and Knapp's (2001) with Student's t of k - 1 degrees of freedom, never narrower than the
one with known weights (the modification of Roever, Knapp and Friede, 2015): without it, few studies
that agree by chance would give an interval of no width. The mean is the plain one. Weights of
1 / variance suppose that an effect and its variance are independent; where a run of a study
collapses, the effect falls and its variance rises, so that the study would hardly count.

Two or three studies hardly tell tau^2. So the effects of several cells are pooled together: each
has a mean of its own and at least the tau^2 that all have in common. A cell whose few studies agree
by chance is then not taken for one that is equal on all datasets. In common is the tau^2 at which
the median cell's Q is as probable as not: as long as these are half of the cells at most, those
that are far off on one dataset move it little.

Shape letter: K studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.analysis.statistics import ALPHA


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """The effect over all studies, and what it says about another study; in the effects' unit."""

    mean: float
    error: float
    """Of the mean: the larger one of Hartung's and Knapp's and that of the known variances."""
    low: float
    high: float
    tau: float
    """Standard deviation of true effects between studies."""
    new_low: float
    new_high: float
    """The prediction interval of a new study's true effect."""
    p_better: float
    """Probability that a new study's true effect is above 0."""


class Measured(NamedTuple):
    """One effect as each study measured it."""

    effects: Sequence[float]
    """Of at least two studies."""
    errors: Sequence[float]
    """Their standard errors, > 0."""


def pool_all(measured: Sequence[Measured]) -> list[Pooled]:
    """Pool several effects of the same studies, in their order."""
    common = between_variance(measured)
    return [pool(one, max(common, between_variance([one]))) for one in measured]


def pool(measured: Measured, tau2: float) -> Pooled:
    """The effects' plain mean and what it predicts, at this variance between studies.

    A new study's true effect is predicted by Student's t with tau^2 added to the variance and
    k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter, 2009); 1 for two studies.
    """
    from scipy import stats  # takes a second to import

    effects_K, variances_K = _arrays(measured)
    mean, freedom = float(effects_K.mean()), len(effects_K) - 1
    spread, known = float(effects_K.var(ddof=1)), float(variances_K.mean()) + tau2
    error = float(np.sqrt(max(known, spread) / len(effects_K)))
    predicted = float(np.sqrt(tau2 + error**2))
    factor = float(stats.t.ppf(1 - ALPHA / 2, freedom))
    of_new = max(freedom - 1, 1)
    reach = float(stats.t.ppf(1 - ALPHA / 2, of_new)) * predicted
    return Pooled(
        mean=mean,
        error=error,
        low=mean - factor * error,
        high=mean + factor * error,
        tau=float(np.sqrt(tau2)),
        new_low=mean - reach,
        new_high=mean + reach,
        p_better=float(stats.t.cdf(mean / predicted, of_new)),
    )


def between_variance(measured: Sequence[Measured]) -> float:
    """The tau^2 that these effects have in common, median-unbiased, >= 0."""
    from scipy import optimize

    pairs = [_arrays(one) for one in measured]
    high = max(float(np.ptp(effects_K)) for effects_K, _ in pairs) ** 2
    if high == 0:
        return 0.0

    def excess(tau2: float) -> float:
        every = sorted(_probability(e_K, v_K, tau2) for e_K, v_K in pairs)
        # The lower one of two: otherwise one of two cells that is far off would decide for both.
        return every[(len(every) - 1) // 2] - 0.5

    if excess(0) <= 0:
        return 0.0
    while excess(high) > 0:
        high *= 4
    # Relative precision only: the effects' unit, or a cell far off, decides none.
    return float(optimize.brentq(excess, 0, high, xtol=np.finfo(float).tiny, maxiter=1000))


def _arrays(measured: Measured) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(K) each: effects and variances."""
    return np.array(measured.effects), np.square(np.array(measured.errors))


def _probability(
    effects_K: NDArray[np.float64], variances_K: NDArray[np.float64], tau2: float
) -> float:
    """How probable a smaller Cochran's Q is, if this is the variance between studies."""
    from scipy import stats

    weights_K = 1 / (variances_K + tau2)
    mean = (weights_K * effects_K).sum() / weights_K.sum()
    q = (weights_K * np.square(effects_K - mean)).sum()
    return float(stats.chi2.cdf(q, len(effects_K) - 1))
