"""The spread of paired differences that a pilot measured, against hand counts and simulations."""

from pathlib import Path

import numpy as np
import pytest

from study.analysis import pilot
from study.analysis.pilot import Spread
from tests.study import fake, fake_grid

BASELINE = dict.fromkeys(range(4), 0.5)


def of(**cells: list[float]) -> Spread | None:
    """Of cells whose differences from the baseline are given."""
    values = {cell: {n: 0.5 + d for n, d in enumerate(those)} for cell, those in cells.items()}
    return pilot.of_comparison({"base": BASELINE, **values}, "base")


def test_cells_are_pooled_by_their_degrees_of_freedom() -> None:
    found = of(a=[0.1, 0.2, 0.3], b=[0.1, 0.5, 0.1, 0.5])
    assert found is not None
    variance = (2 * 0.01 + 3 * 0.16 / 3) / 5  # 0.01 of three seeds, 0.16 / 3 of four
    assert found.deviation == pytest.approx(variance**0.5)
    assert found.correlation == 0  # 0.1, 0.2, 0.3 against 0.1, 0.5, 0.1
    assert found.freedom == pytest.approx(5)
    assert found.source == "2 cells on 4 seeds"


def test_cells_without_a_spread_are_left_out() -> None:
    assert of(same=[0.0, 0.0, 0.0]) is None
    assert of(few=[0.1, 0.3]) is None
    assert of(constant=[0.25, 0.25, 0.25]) is None
    alone, beside = of(a=[0.1, 0.2, 0.4]), of(a=[0.1, 0.2, 0.4], same=[0.0] * 3, few=[0.1])
    assert alone == beside
    assert alone is not None
    assert alone.correlation == 0.5


def test_the_degrees_of_freedom_tell_how_much_the_pooled_variance_varies() -> None:
    """Six cells share a baseline; a variance of f degrees of freedom has variance 2 / f."""
    random, found = np.random.default_rng(0), list[Spread]()
    for _ in range(800):
        runs = random.standard_normal((9, 7)) / 2**0.5
        values = {str(cell): dict(enumerate(column)) for cell, column in enumerate(runs.T)}
        spread = pilot.of_comparison(values, "0")
        assert spread is not None
        found.append(spread)
    variances = np.array([spread.deviation**2 for spread in found])
    assert variances.mean() == pytest.approx(1, abs=0.03)
    assert np.mean([spread.correlation for spread in found]) == pytest.approx(0.5, abs=0.04)
    typical = np.median([spread.freedom for spread in found])
    assert 2 / variances.var() == pytest.approx(typical, rel=0.15)
    covered = np.mean([low <= 1 <= high for low, high in (s.interval() for s in found)])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_a_search_bounds_the_spread_by_that_of_its_trials(tmp_path: Path) -> None:
    record = fake.ended_study(fake.plan(tmp_path)).record
    values = [trial.value("miou") or 0 for trial in record.in_state("complete")]
    found = pilot.spread_of(record)
    assert found is not None
    assert found.deviation == pytest.approx((2 * np.var(values, ddof=1)) ** 0.5)
    assert (found.upper_bound, found.freedom) == (True, len(values) - 1)


def test_a_comparison_of_equal_differences_is_no_pilot(tmp_path: Path) -> None:
    ledger = fake_grid.ended_study(fake_grid.plan(tmp_path))
    assert pilot.spread_of(ledger.record) is None
