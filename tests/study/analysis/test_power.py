"""The power of the plan's own test: closed forms, and tables that are simulated and tested."""

import math

import numpy as np
import pytest
from scipy import stats

from study.analysis.max_t import max_t
from study.analysis.power import (
    EXACT,
    MOST_SEEDS,
    POWER,
    Comparisons,
    detectable,
    power,
    seeds_for,
)
from study.analysis.sign_flips import sign_flip_p
from study.analysis.statistics import ALPHA


def found_by_the_test(difference: float, seeds: int, cells: int, tables: int) -> float:
    """How often the study's own test finds the one cell that differs; runs are independent."""
    random, hits = np.random.default_rng(99), 0
    for _ in range(tables):
        runs = random.standard_normal((seeds, cells + 1)) / math.sqrt(2)
        differences_NC = runs[:, 1:] - runs[:, :1]
        differences_NC[:, 0] += difference
        columns = {str(cell): dict(enumerate(d)) for cell, d in enumerate(differences_NC.T)}
        hits += max_t(columns, ALPHA)["0"] <= ALPHA
    return hits / tables


@pytest.mark.parametrize(("seeds", "cells"), [(6, 10), (7, 3), (EXACT, 2)])
def test_the_promised_share_of_studies_finds_the_difference(seeds: int, cells: int) -> None:
    """By the test itself on other tables; 1000 of them have a standard error of 1.3 %."""
    difference = detectable(seeds, Comparisons(count=cells))
    assert difference is not None
    assert found_by_the_test(difference, seeds, cells, 1000) == pytest.approx(POWER, abs=0.03)


def test_six_seeds_need_six_equal_signs() -> None:
    """Two-sided at six seeds, only the two patterns of one sign reach 1/32: a closed form."""
    for difference in (0.5, 1.5, 2.0):
        up = stats.norm.cdf(difference)
        expected = up**6 + (1 - up) ** 6
        assert power(difference, 6, Comparisons(count=1)) == pytest.approx(expected, abs=0.03)


def test_without_a_difference_the_power_is_the_level() -> None:
    assert power(0, 6, Comparisons(count=1)) == pytest.approx(2**-5, abs=0.015)
    assert power(0, 40, Comparisons(count=1)) == pytest.approx(ALPHA, abs=0.005)


def test_many_seeds_have_the_power_of_student_s_t() -> None:
    for seeds in (20, 60):
        found = power(3 / math.sqrt(seeds), seeds, Comparisons(count=1))
        bound = stats.t.ppf(1 - ALPHA / 2, seeds - 1)
        expected = stats.nct.sf(bound, seeds - 1, 3) + stats.nct.cdf(-bound, seeds - 1, 3)
        assert found == pytest.approx(expected, abs=0.01)


def test_holm_divides_the_level_by_the_number_of_cells() -> None:
    table = Comparisons(count=2, correction="holm")
    random, hits = np.random.default_rng(5), 0
    for _ in range(300):
        differences = random.standard_normal(8) + 1.2
        p = sign_flip_p([*differences])
        assert p is not None
        hits += 2 * p <= ALPHA
    assert power(1.2, 8, table) == pytest.approx(hits / 300, abs=0.08)
    assert detectable(6, table) is None


def test_more_seeds_and_fewer_cells_find_smaller_differences() -> None:
    by_seeds = [detectable(seeds, Comparisons(count=3)) for seeds in (6, 8, EXACT + 1, 16, 40)]
    known = [difference for difference in by_seeds if difference is not None]
    assert len(known) == 5
    assert known == sorted(known, reverse=True)
    few, many = (detectable(8, Comparisons(count=cells)) for cells in (1, 8))
    assert few is not None
    assert many is not None
    assert few < many
    assert detectable(5, Comparisons(count=1)) is None


@pytest.mark.parametrize("difference", [0.4, 1.5])
def test_the_seeds_for_a_difference_are_the_fewest(difference: float) -> None:
    table = Comparisons(count=3)
    seeds = seeds_for(difference, table)
    assert seeds is not None
    assert power(difference, seeds, table) >= POWER > power(difference, seeds - 1, table)


def test_a_tiny_difference_needs_more_seeds_than_are_proposed() -> None:
    assert seeds_for(0.01, Comparisons(count=1)) is None
    assert power(0.01, MOST_SEEDS, Comparisons(count=1)) < POWER
