"""The joint sign-flip test of several looks: statistics, critical values, step-down p-values.

What it computes and why is in ``looks.py``. Shape letters: F sign patterns, N seeds, H hypotheses.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-9
"""Statistics that are equal in exact arithmetic count as equal."""


class Hypothesis(NamedTuple):
    """That an arm's effect is ``zero``, not ``below`` the smallest one, or not ``above`` its
    negative."""

    arm: int
    kind: str


def statistics_of(
    signs_FN: NDArray[np.float64],
    values_NH: NDArray[np.float64],
    seeds: int,
    two_sided_H: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(H,F): the sum over the root of the sum of squares, on the first seeds."""
    length_H = np.sqrt(np.square(values_NH[:seeds]).sum(axis=0))[:, None]
    sums_HF = values_NH[:seeds].T @ signs_FN[:, :seeds].T
    sums_HF[two_sided_H] = np.abs(sums_HF[two_sided_H])
    return np.divide(sums_HF, length_H, out=np.zeros_like(sums_HF), where=length_H > 0)


def step_down(
    statistics: Sequence[NDArray[np.float64]],
    levels: Sequence[float],
    family: Sequence[Hypothesis],
    testable: Collection[int],
) -> dict[Hypothesis, float]:
    """The p-values, at the last of these looks, of the hypotheses about the testable arms.

    Args:
        statistics: (H,F) for each look; the first pattern is the observed one.
        levels: the cumulative levels of the looks.
    """
    observed_H = statistics[-1][:, 0]
    tested = [place for place, one in enumerate(family) if one.arm in testable]
    left, largest, p_values = set(range(len(family))), 0.0, dict[Hypothesis, float]()
    for place in sorted(tested, key=lambda one: -float(observed_H[one])):
        # If this one is true, the others about its arm are false.
        arm = family[place].arm
        rivals = [other for other in left if family[other].arm != arm]
        most = [of_look_HF[[place, *rivals]].max(axis=0) for of_look_HF in statistics]
        crossed_F = np.zeros(len(most[0]), dtype=np.bool_)
        for most_F, level in zip(most[:-1], levels, strict=False):
            crossed_F |= _beyond(most_F, crossed_F, level)
        reached_F = most[-1] >= observed_H[place] - ROUNDING
        # A corrected p is never below that of a larger statistic.
        largest = max(largest, float((crossed_F | reached_F).mean()))
        p_values[family[place]] = largest
        left.remove(place)
    return p_values


def _beyond(
    most_F: NDArray[np.float64], crossed_F: NDArray[np.bool_], level: float
) -> NDArray[np.bool_]:
    """(F,): the patterns that reach the critical value of a look.

    It is the lowest one at which these and ``crossed_F``, of earlier looks, are at most ``level``
    of all patterns.
    """
    room = int(level * len(most_F) + ROUNDING) - int(crossed_F.sum())
    if room <= 0:
        return np.zeros_like(crossed_F)
    left_F = np.where(crossed_F, -np.inf, most_F)
    highest_left_out = np.partition(left_F, -room - 1)[-room - 1]
    return left_F > highest_left_out + ROUNDING
