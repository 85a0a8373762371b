"""Step-down max-T: p-values corrected over all comparisons of a table, by joint sign flips.

If a cell makes no difference, the sign of its difference on a seed is arbitrary. The cells of a
table share the baseline and the seeds, so their differences move together. So the signs of a seed's
*whole vector* of differences are flipped at once, and a cell's statistic is compared with the
largest one over the cells not rejected yet (Westfall and Young, 1993; Romano and Wolf, 2005). The
correlation that Holm's method must assume away is used, and the smallest possible p does not depend
on the number of cells.

Shape letters: F sign patterns, N seeds, C cells.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MOST_EXACT = 13
"""Up to this number of seeds all sign patterns are tried; for more, a seeded sample of them."""
SAMPLED = 9999
_ROUNDING = 1e-9
"""Relative; statistics that are equal in exact arithmetic count as equal."""


def max_t(differences: Mapping[str, Mapping[int, float]], level: float) -> dict[str, float]:
    """Two-sided p-values, corrected so that the family-wise error is at most any level they meet.

    Args:
        differences: by cell and seed, cell minus baseline. Cells may lack seeds.
        level: a cell whose seeds cannot reach it alone is left out of the others' correction: it is
            never rejected, so it needs none, and a cell of two seeds would drown the rest.

    Returns:
        By cell, its p-value in (0, 1]; cells without differences are absent.
    """
    known = {cell: values for cell, values in differences.items() if values}
    family = [cell for cell, values in known.items() if 2.0 ** (1 - len(values)) <= level]
    alone = {cell: _step_down({cell: known[cell]})[cell] for cell in known if cell not in family}
    together = _step_down({cell: known[cell] for cell in family}) if family else {}
    return {cell: {**alone, **together}[cell] for cell in known}


def _step_down(differences: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    seeds = sorted({seed for values in differences.values() for seed in values})
    differences_NC = np.array(
        [[values.get(seed, 0.0) for values in differences.values()] for seed in seeds]
    )
    statistics_FC = _statistics(sign_patterns(len(seeds)), differences_NC)
    observed_C = statistics_FC[0]
    order_C = np.argsort(-observed_C, kind="stable")
    names, corrected, largest = list(differences), dict[str, float](), 0.0
    for place, cell in enumerate(order_C):
        most_F = statistics_FC[:, order_C[place:]].max(axis=1)
        share = float((most_F >= observed_C[cell] * (1 - _ROUNDING)).mean())
        # A corrected p is never below that of a cell with a larger statistic.
        largest = max(largest, share)
        corrected[names[cell]] = largest
    return corrected


@lru_cache(maxsize=4)
def sign_patterns(seeds: int) -> NDArray[np.float64]:
    """(F,N): signs; the first pattern is the observed one, all plus."""
    if seeds <= MOST_EXACT:
        bits_FN = np.arange(2**seeds)[:, None] >> np.arange(seeds) & 1
    else:
        bits_FN = np.random.default_rng(0).integers(0, 2, size=(SAMPLED + 1, seeds))
        bits_FN[0] = 0
    signs_FN = np.where(bits_FN == 0, 1.0, -1.0)
    signs_FN.flags.writeable = False
    return signs_FN


def _statistics(
    signs_FN: NDArray[np.float64], differences_NC: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(F,C): |sum| over the root of the sum of squares, of each pattern and cell.

    It grows with Student's t, and under random signs its variance is 1 for any number of seeds and
    any spread. 0 for a cell without any difference.
    """
    length_C = np.sqrt(np.square(differences_NC).sum(axis=0))
    sums_FC = np.abs(signs_FN @ differences_NC)
    return np.divide(sums_FC, length_C, out=np.zeros_like(sums_FC), where=length_C > 0)
