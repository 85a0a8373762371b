"""Max-T against every pattern by hand, closed forms, and simulated tables."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from study.analysis.max_t import max_t
from study.analysis.sign_flips import holm, sign_flip_p
from study.analysis.statistics import ALPHA

Draw = Callable[[Generator, tuple[int, int]], NDArray[np.float64]]


def by_seed(differences_NC: NDArray[np.float64]) -> dict[str, dict[int, float]]:
    return {str(cell): dict(enumerate(column)) for cell, column in enumerate(differences_NC.T)}


def brute_force(differences: dict[str, dict[int, float]]) -> dict[str, float]:
    """The definition: each cell by its statistic, against the largest of those after it."""
    seeds = sorted({seed for values in differences.values() for seed in values})

    def statistic(values: dict[int, float], sign: dict[int, int]) -> float:
        length = math.sqrt(math.fsum(d * d for d in values.values()))
        return abs(math.fsum(sign[seed] * d for seed, d in values.items())) / length

    plus = dict.fromkeys(seeds, 1)
    left = sorted(differences, key=lambda cell: -statistic(differences[cell], plus))
    found: dict[str, float] = {}
    while left:
        seen, hits = statistic(differences[left[0]], plus), 0
        for signs in itertools.product((1, -1), repeat=len(seeds)):
            sign = dict(zip(seeds, signs, strict=True))
            hits += max(statistic(differences[cell], sign) for cell in left) >= seen - 1e-12
        found[left.pop(0)] = max(hits / 2 ** len(seeds), *found.values(), 0.0)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_equals_every_pattern_counted_by_hand(seed: int) -> None:
    random = np.random.default_rng(seed)
    differences = by_seed(random.normal(0.5, 1, size=(6 + seed % 2, 4)))
    del differences["2"][0]  # six of the seven seeds, where there are seven
    if seed % 2 == 0:
        differences["2"][0] = 0.3
    assert max_t(differences, ALPHA) == pytest.approx(brute_force(differences))


def test_one_cell_has_the_p_of_the_sign_flip_test() -> None:
    for n in (1, 2, 6, 9):
        values = dict(enumerate(np.random.default_rng(n).normal(0.4, 1, size=n)))
        assert max_t({"a": values}, ALPHA)["a"] == pytest.approx(sign_flip_p([*values.values()]))


def test_six_seeds_decide_ten_cells_that_nine_seeds_need_by_holm() -> None:
    sure = {str(cell): {seed: 1.0 + 0.1 * cell for seed in range(6)} for cell in range(10)}
    assert set(max_t(sure, ALPHA).values()) == {2.0**-5}
    assert min(holm(dict.fromkeys(sure, 2.0**-5)).values()) > ALPHA


def test_without_differences_nothing_is_decided() -> None:
    assert max_t({}, ALPHA) == {}
    assert max_t({"gone": {}}, ALPHA) == {}
    same = {"same": dict.fromkeys(range(8), 0.0), "up": dict.fromkeys(range(8), 1.0)}
    assert max_t(same, ALPHA) == {"same": 1.0, "up": 2.0**-7}


def test_a_cell_that_lost_its_seeds_does_not_drown_the_others() -> None:
    """Two equal differences reach the largest statistic in half of all patterns."""
    found = max_t({"lost": {0: 1.0, 1: 1.0}, "up": dict.fromkeys(range(6), 0.1)}, ALPHA)
    assert found == {"lost": 0.5, "up": 2.0**-5}


def test_many_seeds_are_sampled_and_never_give_zero() -> None:
    differences = {"up": dict.fromkeys(range(30), 1.0), "down": dict.fromkeys(range(30), -0.5)}
    found = max_t(differences, ALPHA)
    assert found == max_t(differences, ALPHA)
    assert found["up"] == 1 / 10_000


def normal(random: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return random.normal(size=shape)


def log_normal(random: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.exp(random.normal(size=shape))


def heavy(random: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return random.standard_t(3, size=shape)


@pytest.mark.parametrize("draw", [normal, log_normal, heavy])
@pytest.mark.parametrize("seeds", [6, 7])
def test_a_verdict_is_wrong_in_at_most_one_null_table_of_twenty(draw: Draw, seeds: int) -> None:
    """Ten cells and a baseline; 600 tables: the bound is the level and three standard errors."""
    random, tables, wrong = np.random.default_rng(seeds), 600, 0
    for _ in range(tables):
        runs = draw(random, (seeds, 11))
        found = max_t(by_seed(runs[:, 1:] - runs[:, :1]), ALPHA)
        wrong += min(found.values()) <= ALPHA
    assert wrong / tables <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / tables)


def test_true_effects_are_found_at_six_seeds_where_holm_finds_none() -> None:
    random, found_by_max_t, tables = np.random.default_rng(0), 0, 100
    for _ in range(tables):
        runs = random.normal(size=(6, 11))
        differences_NC = runs[:, 1:] - runs[:, :1]
        differences_NC[:, :5] += 3 * math.sqrt(2)  # of the difference's standard deviations
        found = max_t(by_seed(differences_NC), ALPHA)
        found_by_max_t += sum(found[str(cell)] <= ALPHA for cell in range(5))
    assert found_by_max_t / (5 * tables) > 0.5
