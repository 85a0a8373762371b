"""The Bayesian signed-rank test: how probable is it that one of two methods is better in practice?

Benavoli, Corani, Mangili, Zaffalon and Ruggeri, A Bayesian Wilcoxon signed-rank test based on the
Dirichlet process, ICML 2014; with the region of practical equivalence of Benavoli, Corani, Demsar
and Zaffalon, Time for a change, JMLR 2017. It assumes no normal distribution, and does not know
the errors of the gains.

Shape letters: K gains and the prior's, R samples.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PRIOR = 0.5
"""Weight of the prior's one observation, which is 0: no difference."""
SAMPLES = 50_000


class Probabilities(NamedTuple):
    """Which of the three regions holds most: their sum is 1."""

    better: float
    same: float
    worse: float


def signed_rank(gains: Sequence[float], smallest: float) -> Probabilities:
    """The probabilities of a method from its gains on several datasets.

    Args:
        gains: positive if it is better; one per dataset.
        smallest: gains within +-smallest, >= 0, are practically none.
    """
    values_K = np.array([0.0, *gains])
    walsh_KK = (values_K[:, None] + values_K) / 2
    weights_RK = np.random.default_rng(0).dirichlet([PRIOR, *(1.0 for _ in gains)], size=SAMPLES)

    def share(region_KK: NDArray[np.bool_]) -> NDArray[np.float64]:
        mass_R: NDArray[np.float64] = ((weights_RK @ region_KK) * weights_RK).sum(axis=1)
        return mass_R

    better_R, worse_R = share(walsh_KK > smallest), share(walsh_KK < -smallest)
    most_R = np.argmax([better_R, 1 - better_R - worse_R, worse_R], axis=0)
    return Probabilities(*(float((most_R == region).mean()) for region in range(3)))
