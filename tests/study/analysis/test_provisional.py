"""The e-value against its integral, closed averages against all subsets, the any-time error."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from study.analysis.provisional import closed, e_value, leaning
from study.analysis.statistics import ALPHA
from tests.study import fake
from tests.study.execution.test_looking import plan, run_block


@pytest.mark.parametrize(("seeds", "effect", "g"), [(5, 0.5, 1.0), (8, 1.5, 1.0), (6, 0.0, 2.0)])
def test_is_the_mixture_of_the_t_statistic_s_likelihood_ratios(
    seeds: int, effect: float, g: float
) -> None:
    values = np.random.default_rng(seeds).normal(effect, 2, size=seeds)
    t = float(stats.ttest_1samp(values, 0).statistic)

    def weighed(size: float) -> float:
        density = stats.nct.pdf(t, seeds - 1, size * math.sqrt(seeds))
        return float(density * stats.norm.pdf(size, scale=1 / math.sqrt(g)))

    mixture = integrate.quad(weighed, -8, 8, limit=200)[0]
    expected = mixture / stats.t.pdf(t, seeds - 1)
    assert e_value(values.tolist(), g) == pytest.approx(expected, rel=1e-5)


def test_too_few_differences_say_nothing() -> None:
    assert e_value([1.0, 1.1, 0.9, 1.0]) == 1.0
    assert e_value([0.0] * 6) == 1.0
    assert e_value([1.0] * 5) == pytest.approx(6**2 / 1)  # sqrt(1/6) * 6 ** (5/2)
    assert e_value([]) == 1.0


def test_closed_averages_are_the_lowest_over_all_sets() -> None:
    given = {"a": 40.0, "b": 3.0, "c": 0.2, "d": 200.0, "e": 0.9}
    for cell, found in closed(given).items():
        sets = (
            chosen
            for size in range(1, 6)
            for chosen in itertools.combinations(given, size)
            if cell in chosen
        )
        averages = [sum(given[one] for one in chosen) / len(chosen) for chosen in sets]
        assert found == pytest.approx(min(averages))


def strongest(differences_NC: NDArray[np.float64]) -> float:
    e_values = {
        str(place): e_value(column.tolist()) for place, column in enumerate(differences_NC.T)
    }
    return max(closed(e_values).values())


def test_the_error_over_all_seeds_is_at_most_the_level() -> None:
    """Five cells and a baseline, looked at after each of 5 to 25 seeds, in 300 studies."""
    random, wrong = np.random.default_rng(0), 0
    for _ in range(300):
        runs = random.normal(size=(25, 6))
        differences_NC = runs[:, 1:] - runs[:, :1]
        wrong += any(
            max(
                closed({str(c): e_value(differences_NC[:n, c].tolist()) for c in range(5)}).values()
            )
            >= 1 / ALPHA
            for n in range(5, 26)
        )
    assert wrong / 300 <= ALPHA


def test_a_running_study_leans_before_its_look(tmp_path: Path) -> None:
    ledger = fake.begin(plan(tmp_path))
    run_block(ledger, 16)
    assert leaning(ledger.record) == {}
    run_block(ledger)
    assert leaning(ledger.record)["good"] == "better"
    assert leaning(fake.begin(fake.plan(tmp_path / "search")).record) == {}
