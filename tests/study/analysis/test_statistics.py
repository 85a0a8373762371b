"""Verdicts against closed forms, scipy, and simulated tables with and without an effect."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from study.analysis.sign_flips import holm, paired, sign_flip_p, superiority
from study.analysis.statistics import (
    ALPHA,
    bca_interval,
    compare,
    coverage,
    fewest_seeds,
    smallest_p,
    verdict,
)

SEEDS = range(8)


def brute_force(differences: list[float]) -> float:
    """The p-value, from every sign pattern."""
    seen = abs(math.fsum(differences))
    sums = [
        abs(math.fsum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(total >= seen - 1e-12 for total in sums) / len(sums)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9])
def test_all_of_one_sign_has_the_smallest_p(n: int) -> None:
    assert sign_flip_p([0.01 * (k + 1) for k in range(n)]) == pytest.approx(2.0 ** (1 - n))
    assert smallest_p(n) == 2.0 ** (1 - n)


def test_five_seeds_can_never_be_significant_and_six_can() -> None:
    assert smallest_p(5) == 0.0625 > ALPHA
    assert smallest_p(6) == 0.03125 <= ALPHA
    assert fewest_seeds() == 6


@pytest.mark.parametrize("comparisons", [1, 2, 3, 10, 13])
def test_fewest_seeds_is_where_the_corrected_floor_falls_below_the_level(comparisons: int) -> None:
    n = fewest_seeds(comparisons, "holm")
    assert n == math.ceil(1 + math.log2(comparisons / ALPHA))
    assert smallest_p(n, comparisons, "holm") <= ALPHA < smallest_p(n - 1, comparisons, "holm")
    assert fewest_seeds(comparisons, "max_t") == 6


@pytest.mark.parametrize("seed", range(6))
def test_sign_flip_equals_all_patterns_counted_by_hand(seed: int) -> None:
    random = np.random.default_rng(seed)
    differences = list(random.normal(0.3, 1, size=4 + seed))
    assert sign_flip_p(differences) == pytest.approx(brute_force(differences))


def test_sign_flip_of_equal_sizes_is_the_binomial_sign_test() -> None:
    for wins in range(9):
        differences = [1.0] * wins + [-1.0] * (8 - wins)
        exact = stats.binomtest(wins, 8).pvalue
        assert sign_flip_p(differences) == pytest.approx(exact)


def test_sign_flip_of_many_seeds_agrees_with_the_t_test() -> None:
    differences = np.random.default_rng(1).normal(0.4, 1, size=40)
    assert sign_flip_p(list(differences)) == pytest.approx(
        stats.ttest_1samp(differences, 0).pvalue, abs=0.01
    )


def test_no_seeds_and_no_difference_decide_nothing() -> None:
    assert sign_flip_p([]) is None
    assert sign_flip_p([0.0, 0.0, 0.0]) == 1.0
    assert bca_interval([0.1]) is None
    assert bca_interval([0.1, 0.1, 0.1]) == (0.1, 0.1)
    assert superiority([], "max") is None


def test_holm_by_hand() -> None:
    """Holm (1979): 4 x 0.01, 3 x 0.02, then never less than before."""
    found = holm({"a": 0.02, "b": 0.01, "c": 0.03, "d": 0.9})
    assert found == pytest.approx({"b": 0.04, "a": 0.06, "c": 0.06, "d": 0.9})
    assert holm({"only": 0.04}) == {"only": 0.04}
    assert holm({}) == {}


def test_the_interval_of_a_large_sample_is_the_normal_one() -> None:
    values = np.random.default_rng(2).normal(1.0, 2.0, size=400)
    low, high = bca_interval(list(values)) or (math.nan, math.nan)
    half = stats.norm.ppf(0.975) * values.std(ddof=1) / math.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)
    assert bca_interval(list(values)) == (low, high)


@pytest.mark.parametrize("n", [3, 6, 10])
def test_the_stated_coverage_of_an_interval_is_the_simulated_one(n: int) -> None:
    random = np.random.default_rng(n)
    inside = 0
    for _ in range(300):
        low, high = bca_interval(list(random.normal(0, 1, size=n))) or (1.0, 1.0)
        inside += low <= 0 <= high
    share = coverage(n) or 0.0
    assert stats.binom.ppf(0.001, 300, share) <= inside <= stats.binom.ppf(0.999, 300, share)


def test_superiority_counts_ties_half_and_knows_the_direction() -> None:
    assert superiority([1.0, 0.0, -1.0, 2.0], "max") == 2.5 / 4
    assert superiority([1.0, 0.0, -1.0, 2.0], "min") == 1.5 / 4


def test_only_common_seeds_are_paired() -> None:
    assert paired({3: 0.9, 0: 0.5, 7: 0.1}, {0: 0.25, 7: 0.1, 1: 0.0}) == {0: 0.25, 7: 0.0}


def test_a_verdict_needs_the_corrected_p_and_has_a_direction() -> None:
    assert verdict(0.1, 0.05, "max") == "better"
    assert verdict(0.1, 0.05, "min") == "worse"
    assert verdict(-0.1, 0.01, "max") == "worse"
    assert verdict(0.1, 0.051, "max") == "undecided"
    assert verdict(None, None, "max") == "undecided"


def test_a_comparison_holds_every_figure() -> None:
    baseline = {seed: 0.5 + 0.01 * seed for seed in SEEDS}
    cells = {
        "base": baseline,
        "same": baseline,
        "gone": {99: 1.0},
        "up": {seed: value + 0.02 for seed, value in baseline.items()},
    }
    found = compare(cells, "base", "max", "holm")
    assert set(found) == {"same", "gone", "up"}
    up, same, gone = found["up"], found["same"], found["gone"]
    assert up.mean == pytest.approx(0.02)
    assert (up.n, up.p, up.superiority, up.verdict) == (8, 2.0**-7, 1.0, "better")
    assert up.p_holm == 2 * 2.0**-7  # two comparisons have a p
    assert (same.mean, same.p, same.superiority, same.verdict) == (0.0, 1.0, 0.5, "undecided")
    assert (gone.n, gone.mean, gone.p, gone.verdict) == (0, None, None, "undecided")
    assert up.p_corrected == up.p_holm
    by_max_t = compare(cells, "base", "max", "max_t")
    assert (by_max_t["up"].p_corrected, by_max_t["up"].p_holm) == (2.0**-7, 2 * 2.0**-7)


def simulate(tables: int, seeds: int, effects: list[float], seed: int) -> list[dict[str, bool]]:
    """Which cells get a verdict in each table; cells share the baseline and a seed's luck."""
    random = np.random.default_rng(seed)
    decided = []
    for _ in range(tables):
        luck = random.normal(0, 1, size=seeds)
        cells = random.normal(0, 0.5, size=(len(effects) + 1, seeds)) + luck
        cells[1:] += np.array(effects)[:, None]
        p_values = {
            str(place): sign_flip_p(list(cell - cells[0])) or 0.0
            for place, cell in enumerate(cells[1:])
        }
        decided.append({name: p <= ALPHA for name, p in holm(p_values).items()})
    return decided


@pytest.mark.parametrize(("seeds", "cells"), [(6, 1), pytest.param(8, 4, marks=pytest.mark.slow)])
def test_at_most_one_null_table_in_twenty_has_a_verdict(seeds: int, cells: int) -> None:
    false = sum(any(table.values()) for table in simulate(1000, seeds, [0.0] * cells, seed=4))
    assert false <= ALPHA * 1000


def test_an_effect_of_three_sigmas_is_found_and_an_absent_one_beside_it_is_not() -> None:
    """Power: the difference's standard deviation is 0.5 sqrt 2 per seed."""
    sigma = 0.5 * math.sqrt(2)
    tables = simulate(200, 10, [3 * sigma, 0.0, 0.0], seed=5)
    assert sum(table["0"] for table in tables) >= 0.95 * len(tables)
    assert sum(table["1"] or table["2"] for table in tables) <= stats.binom.ppf(0.99, 200, ALPHA)


def test_six_seeds_find_a_large_effect_in_a_table_of_two_and_never_in_one_of_three() -> None:
    sigma = 0.5 * math.sqrt(2)
    two = simulate(100, 6, [3 * sigma], seed=6)
    assert sum(table["0"] for table in two) >= 90
    assert not any(any(table.values()) for table in simulate(20, 6, [9 * sigma] * 2, seed=7))
