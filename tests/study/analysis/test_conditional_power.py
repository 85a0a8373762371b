"""Conditional power against closed forms and simulated studies."""

import numpy as np
import pytest

from study.analysis.conditional_power import is_hopeless, power_to_be_same, power_to_differ
from study.analysis.looks import LookRule, take_looks
from study.analysis.statistics import ALPHA


def simulated(values: list[float], more: int, effect: float, smallest: float | None) -> float:
    """How often the arm is decided by the last look, alone, if these normal values come."""
    random, hits, spread = np.random.default_rng(0), 0, float(np.std(values, ddof=1))
    for _ in range(400):
        all_of = [*values, *random.normal(effect, spread, size=more)]
        rule = LookRule(looks=(len(all_of),), smallest=smallest)
        (found,) = take_looks({"a": dict(enumerate(all_of))}, range(len(all_of)), rule)
        found_p = found["a"].p if smallest is None else found["a"].p_same
        hits += (found_p or 0.0) <= ALPHA
    return hits / 400


@pytest.mark.parametrize("smallest", [0.5, 1.0, 2.0])
def test_power_to_differ_is_that_of_simulated_ends(smallest: float) -> None:
    so_far = [0.9, -0.2, 1.3, 0.1, 0.4, -0.6]
    power = power_to_differ(np.array(so_far), 6, smallest)
    assert power == pytest.approx(simulated(so_far, 6, smallest, None), abs=0.1)


def test_power_to_be_same_needs_both_sides() -> None:
    so_far = np.array([0.1, -0.2, 0.15, -0.05])
    assert power_to_be_same(so_far, 6, 10.0) == pytest.approx(1.0)
    assert power_to_be_same(so_far, 6, 0.01) == 0.0
    assert power_to_be_same(so_far + 5, 6, 1.0) < 0.01


def test_without_a_smallest_effect_only_the_impossible_is_hopeless() -> None:
    """The best p is 2 ** (opposing + 1 - seeds): with 2 of 8 opposing it is 1/32, with 3 1/16."""
    two, three = [1.0, 1, 1, -1, -1, 1], [1.0, 1, 1, -1, -1, -1]
    assert not is_hopeless(np.array(two), 2, None)
    assert is_hopeless(np.array(three), 2, None)
    assert not is_hopeless(np.array(three), 4, None)


def test_with_one_a_wide_arm_is_hopeless_and_a_narrow_one_is_not() -> None:
    wide, narrow = (
        np.array([9.0, -8, 7, -9, 8, -6]),
        np.array([0.01, -0.02, 0.01, 0.0, 0.02, -0.01]),
    )
    assert is_hopeless(wide, 6, 0.2)
    assert not is_hopeless(narrow, 6, 0.2)
    assert not is_hopeless(np.array([0.3]), 6, 0.2)


def test_an_arm_that_leads_on_every_seed_is_not_hopeless_for_one_large_lead() -> None:
    """As seen in a study: the one widens the spread, but two more of the same sign decide it."""
    leading = np.array([3.07, 0.74, 0.2, 1.78, 0.36, 12.85])
    assert not is_hopeless(leading, 2, 0.5)
    assert is_hopeless(np.array([3.07, -0.74, 0.2, -1.78, 0.36, 12.85]), 2, 0.5)
