"""Statistics of differences between cells: paired by seed, exact for few seeds, and corrected over
all comparisons of a table.

All functions are pure. A difference is cell minus baseline on the same seed, in the metric's unit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from study.analysis.max_t import MOST_EXACT, max_t
from study.ledger.look import ArmLook
from study.ledger.plan import Correction

ALPHA = 0.05
"""Two-sided level of every verdict; the intervals hold 1 - ALPHA."""

COVERAGE = {
    2: 0.51,
    3: 0.72,
    4: 0.79,
    5: 0.85,
    6: 0.86,
    7: 0.88,
    8: 0.88,
    9: 0.89,
    10: 0.91,
    12: 0.92,
    15: 0.92,
    20: 0.93,
}
"""By number of normal differences, how often their BCa interval holds the true mean, simulated.

With few seeds the interval is too narrow, and reports say so. The verdict rests on the exact test
alone."""

RESAMPLES = 9999

Verdict = Literal["better", "worse", "same", "undecided"]
"""``same``: within the smallest effect that matters, which only some plans have."""

Baseline = str | Mapping[str, str]
"""The cell that all others are compared with, or that of each cell; a baseline's is itself."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A cell compared with the baseline; a quantity that cannot be computed is None."""

    n: int
    """The number of seeds on which both were measured."""

    mean: float | None
    low: float | None
    high: float | None
    """The mean difference and its BCa interval, in the metric's unit."""

    p: float | None
    """Two-sided sign-flip test of the mean."""

    p_corrected: float | None = None
    """Corrected over all comparisons of the table; the verdict rests on it."""

    p_holm: float | None = None
    """Corrected by Holm's method, which studies older than max-T were planned with."""

    superiority: float | None
    """P(A > B): how often the cell was better on the same seed; a tie counts half."""

    verdict: Verdict = "undecided"

    look: ArmLook | None = None
    """What the last look at the cell found, if the plan has looks or a smallest effect."""


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


def bca_interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """The bias-corrected and accelerated bootstrap interval of the mean (Efron, 1987).

    None for fewer than two differences. The resampling is seeded: the same differences give the
    same interval.
    """
    if len(differences) < 2:
        return None
    values = np.asarray(differences, dtype=np.float64)
    if np.ptp(values) == 0:  # the acceleration of equal values is 0 / 0
        return float(values[0]), float(values[0])
    from scipy import stats  # takes a second to import, and most modules need only the constants

    interval = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=1 - ALPHA,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def coverage(n: int) -> float | None:
    """The coverage of the interval of n differences; None below two.

    Between two entries of the table, the lower one: it never promises too much.
    """
    return max((share for size, share in COVERAGE.items() if size <= n), default=None)


def coverage_note(n: int) -> str:
    """In words, how often the interval of n differences holds; "" if there is none."""
    share = coverage(n)
    return "" if share is None else f" (its actual coverage with so few seeds is about {share:.0%})"


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

    patterns = 2 ** len(values) if len(values) <= MOST_EXACT else RESAMPLES
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


def compare(
    cells: Mapping[str, Mapping[int, float]],
    baseline: Baseline,
    mode: str,
    correction: Correction,
) -> dict[str, Comparison]:
    """Compare every other cell with its baseline; the correction is over all comparisons.

    Args:
        cells: by cell and seed, the metric's value; seeds that failed are absent.
        baseline: of the others.
        mode: ``max`` if larger is better, ``min`` if smaller is.
        correction: for the number of comparisons, as planned.

    Returns:
        By cell, its comparison; baselines are absent.
    """
    by_seed = differences(cells, baseline)
    p_values = {name: sign_flip_p(list(values.values())) for name, values in by_seed.items()}
    by_holm = holm({name: p for name, p in p_values.items() if p is not None})
    corrected = by_holm if correction == "holm" else max_t(by_seed, ALPHA)
    return {
        name: _comparison(
            list(values.values()), p_values[name], corrected.get(name), by_holm.get(name), mode
        )
        for name, values in by_seed.items()
    }


def verdict(mean: float | None, p_corrected: float | None, mode: str) -> Verdict:
    """``better`` or ``worse`` only if the corrected p is at most ALPHA."""
    if mean is None or p_corrected is None or p_corrected > ALPHA or mean == 0:
        return "undecided"
    return "better" if (mean > 0) == (mode == "max") else "worse"


def _comparison(
    differences: list[float],
    p: float | None,
    p_corrected: float | None,
    p_holm: float | None,
    mode: str,
) -> Comparison:
    mean = math.fsum(differences) / len(differences) if differences else None
    low, high = bca_interval(differences) or (None, None)
    return Comparison(
        n=len(differences),
        mean=mean,
        low=low,
        high=high,
        p=p,
        p_corrected=p_corrected,
        p_holm=p_holm,
        superiority=superiority(differences, mode),
        verdict=verdict(mean, p_corrected, mode),
    )


def smallest_p(seeds: int, comparisons: int = 1, correction: Correction = "max_t") -> float:
    """The smallest corrected p that this number of seeds can give: all differences of one sign."""
    times = comparisons if correction == "holm" else 1
    return min(1.0, times * 2.0 ** (1 - seeds))


def fewest_seeds(comparisons: int = 1, correction: Correction = "max_t") -> int:
    """The fewest seeds with which a table's comparisons can be significant: 6 for a single one."""
    seeds = 1
    while smallest_p(seeds, comparisons, correction) > ALPHA:
        seeds += 1
    return seeds
