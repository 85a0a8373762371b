"""Statistics of differences between cells: paired by seed, exact for few seeds, and corrected over
all comparisons of a table.

All functions are pure. A difference is cell minus baseline on the same seed, in the metric's unit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from study.analysis.max_t import max_t
from study.analysis.sign_flips import Baseline, differences, holm, sign_flip_p, superiority
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
_ROUNDING = 1e-12
"""Relative; a spread below it is none."""

Verdict = Literal["better", "worse", "same", "undecided"]
"""``same``: within the smallest effect that matters, which only some plans have."""


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


def bca_interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """The bias-corrected and accelerated bootstrap interval of the mean (Efron, 1987).

    None for fewer than two differences. The resampling is seeded: the same differences give the
    same interval.
    """
    if len(differences) < 2:
        return None
    values = np.asarray(differences, dtype=np.float64)
    # The acceleration of equal values is 0 / 0, and that of values equal but for rounding is NaN.
    if np.ptp(values) <= _ROUNDING * np.abs(values).max():
        return float(values.min()), float(values.max())
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
