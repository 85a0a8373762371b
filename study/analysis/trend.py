"""Whether a curve falls: a regression on iterations (Affinity Regression, Table 2), and its doubt.

``linregress`` takes points for independent. Those of a training are not: each follows the one
before, so that a random walk about a constant has a "significant" slope most of the time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress, t

LEAST = 4
"""Points from which a slope has an error of its own, with a correlation between neighbours."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A straight line through a curve."""

    points: int
    intercept: float
    intercept_error: float
    """Standard error, if the points were independent, as is that of the slope."""
    slope: float
    """Change per iteration."""
    slope_error: float
    p: float
    """Two-sided, of slope 0, if the points were independent: the paper's."""
    effective: float
    """As many independent points say as much about the slope as these do."""
    p_effective: float
    """The same test with that many points."""


def trend(iterations: Sequence[float], losses: Sequence[float]) -> Trend | None:
    """Regress losses on iterations; None for fewer than four points or for a single iteration.

    The effective number of points is n (1 - r) / (1 + r), with r the correlation of neighbouring
    residuals, corrected for its bias in short curves ((1 + 4 r) / n for a fitted line, Kendall
    1954), and at most n. The error of the slope grows by the root of n over that number.
    """
    count = len(losses)
    if count < LEAST or len(set(iterations)) < 2:
        return None
    line = linregress(iterations, losses)
    residual = np.asarray(losses) - line.intercept - line.slope * np.asarray(iterations)
    effective = count * _independence(residual)
    freedom = effective - 2
    error = line.stderr * math.sqrt((count - 2) / freedom) if freedom > 0 else math.inf
    p_effective = 1.0
    if error == 0:
        p_effective = 0.0
    elif math.isfinite(error):
        p_effective = float(2 * t.sf(abs(line.slope) / error, freedom))
    return Trend(
        points=count,
        intercept=float(line.intercept),
        intercept_error=float(line.intercept_stderr),
        slope=float(line.slope),
        slope_error=float(line.stderr),
        p=float(line.pvalue) if np.ptp(losses) else 1.0,
        effective=effective,
        p_effective=p_effective,
    )


def _independence(residual: np.ndarray) -> float:
    """(1 - r) / (1 + r), at most 1."""
    energy = float(residual @ residual)
    if energy == 0:
        return 1.0
    count = len(residual)
    r = float(residual[1:] @ residual[:-1]) / energy
    r = min(max((r * count + 1) / (count - 4) if count > 4 else 1.0, 0.0), 0.999)
    return (1 - r) / (1 + r)
