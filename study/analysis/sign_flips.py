"""Differences paired by seed, and the exact test of their mean (Fisher's randomisation test).

All functions are pure. A difference is cell minus baseline on the same seed, in the metric's unit.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from study.analysis.max_t import MOST_EXACT, SAMPLED

Baseline = str | Mapping[str, str]
"""The cell that all others are compared with, or that of each cell; a baseline's is itself."""


def paired(cell: Mapping[int, float], baseline: Mapping[int, float]) -> dict[int, float]:
    """The differences on the seeds that both have, by seed in ascending order."""
    return {seed: cell[seed] - baseline[seed] for seed in sorted(cell.keys() & baseline.keys())}


def differences(
    cells: Mapping[str, Mapping[int, float]], baseline: Baseline
) -> dict[str, dict[int, float]]:
    """By cell and seed, the cell minus its baseline; baselines are absent."""
    of = {name: baseline if isinstance(baseline, str) else baseline[name] for name in cells}
    return {
        name: paired(values, cells.get(of[name], {}))
        for name, values in cells.items()
        if of[name] != name
    }


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Two-sided p of the mean, if each difference is as likely to have the other sign.

    Exact up to 13 seeds, over all sign patterns (Fisher's randomisation test); for more seeds, over
    a seeded sample of them. None without differences.
    """
    if not differences:
        return None
    values = np.asarray(differences, dtype=np.float64)
    if len(values) == 1 or not values.any():  # SciPy refuses a single value; both are exactly 1
        return 1.0
    from scipy import stats

    patterns = 2 ** len(values) if len(values) <= MOST_EXACT else SAMPLED
    test = stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        n_resamples=patterns,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def superiority(differences: Sequence[float], mode: str) -> float | None:
    """P(A > B) over paired seeds (Bouthillier et al., MLSys 2021); a tie counts half.

    None without differences.
    """
    if not differences:
        return None
    sign = 1 if mode == "max" else -1
    points = [1.0 if sign * d > 0 else 0.5 if d == 0 else 0.0 for d in differences]
    return math.fsum(points) / len(points)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Correct p values by Holm's step-down method (1979), which bounds the family-wise error."""
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    corrected, largest = {}, 0.0
    for place, name in enumerate(ordered):
        # A corrected p is never below that of a smaller one.
        largest = max(largest, min(1.0, (len(ordered) - place) * p_values[name]))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}
