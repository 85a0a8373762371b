"""The regression of Affinity Regression's Table 2, and how many points its curve is worth."""

import numpy as np
import pytest
from scipy.stats import linregress

from study.analysis.trend import trend


def ar1(count: int, correlation: float, generator: np.random.Generator) -> np.ndarray:
    """Noise in which each point keeps a share of the one before; it has no slope."""
    noise = generator.standard_normal(count + 50)
    for place in range(1, len(noise)):
        noise[place] += correlation * noise[place - 1]
    return noise[50:]


def test_the_line_is_scipys() -> None:
    places, values = [10.0, 20.0, 30.0, 40.0, 50.0], [0.5, 0.45, 0.42, 0.36, 0.33]
    found, expected = trend(places, values), linregress(places, values)
    assert found is not None
    assert (found.slope, found.intercept) == (expected.slope, expected.intercept)
    assert (found.p, found.points) == (expected.pvalue, 5)
    assert found.p_effective >= found.p


@pytest.mark.parametrize(("correlation", "least_naive"), [(0.0, 0.02), (0.5, 0.18), (0.8, 0.4)])
def test_a_curve_without_a_slope_has_none_in_19_of_20_cases(
    correlation: float, least_naive: float
) -> None:
    """800 curves of 200 points: 5 % within four standard errors, however they are correlated."""
    generator = np.random.default_rng(0)
    found = [trend(range(200), ar1(200, correlation, generator).tolist()) for _ in range(800)]
    wrong = np.mean([line is not None and line.p_effective < 0.05 for line in found])
    assert abs(wrong - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 800)
    naive = np.mean([line is not None and line.p < 0.05 for line in found])
    assert naive > least_naive


def test_a_real_slope_is_found_and_200_points_are_worth_67() -> None:
    """(1 - r) / (1 + r) is a third at a correlation of a half; the mean over 30 curves."""
    places, effective = np.arange(200), []
    for seed in range(30):
        curve = 0.3 - 0.0005 * places + 0.02 * ar1(200, 0.5, np.random.default_rng(seed))
        found = trend(places.tolist(), curve.tolist())
        assert found is not None
        assert found.slope == pytest.approx(-0.0005, rel=0.3)
        assert found.p_effective < 1e-6
        effective.append(found.effective)
    assert np.mean(effective) == pytest.approx(200 / 3, rel=0.1)


def test_an_exact_line_and_curves_too_short_for_one() -> None:
    exact = trend([0, 1, 2, 3], [4.0, 3.0, 2.0, 1.0])
    assert exact is not None
    assert exact.slope == -1
    assert exact.p_effective < 0.001
    assert trend([1, 2, 3], [3.0, 2.0, 1.0]) is None
    assert trend([1, 1, 1, 1], [3.0, 2.0, 1.0, 0.0]) is None
