"""Planned looks against every pattern counted by hand, closed forms, and simulated studies."""

import itertools
import math

import numpy as np
import pytest

from study.analysis.looks import LookRule, take_looks
from study.analysis.max_t import max_t
from study.analysis.statistics import ALPHA
from tests.benchmarks import family_error

Values = dict[int, float]
SURE = dict.fromkeys(range(12), 1.0)
MIXED = {seed: (-1.0) ** seed for seed in range(12)}
UNEVEN = dict(enumerate([0.5, -1.0, 0.2, 0.9, -0.3, 0.1, 0.7, -0.2, 0.4, -0.6, 0.3, 0.8]))


def drawn(seed: int, seeds: int, arms: int, effect: float = 0.8) -> dict[str, Values]:
    values_NC = np.random.default_rng(seed).normal(effect, 1, size=(seeds, arms))
    return {str(arm): dict(enumerate(column)) for arm, column in enumerate(values_NC.T)}


def statistic(values: Values, signs: tuple[int, ...], seeds: int) -> float:
    length = math.sqrt(math.fsum(values[seed] ** 2 for seed in range(seeds)))
    return abs(math.fsum(signs[seed] * values[seed] for seed in range(seeds))) / length


def brute_force(differences: dict[str, Values], first: int, last: int, level: float) -> Values:
    """The definition, for two looks of which the first has rejected nothing, by place of the arm:
    the patterns that are among the most extreme of the first look, or as extreme at the second."""
    plus = (1,) * last
    left = sorted(differences, key=lambda arm: -statistic(differences[arm], plus, last))
    p_values: Values = {}
    while left:
        early = [
            max(statistic(differences[arm], signs, first) for arm in left)
            for signs in itertools.product((1, -1), repeat=first)
        ]
        allowed = [one for one in early if sum(o >= one - 1e-12 for o in early) <= level * 2**first]
        critical = min(allowed, default=math.inf)
        seen, hits = statistic(differences[left[0]], plus, last), 0
        for signs in itertools.product((1, -1), repeat=last):
            crossed = max(statistic(differences[arm], signs, first) for arm in left) >= critical
            reached = max(statistic(differences[arm], signs, last) for arm in left) >= seen - 1e-12
            hits += crossed or reached
        arm = left.pop(0)
        p_values[int(arm)] = max(hits / 2**last, *p_values.values(), 0.0)
    return p_values


@pytest.mark.parametrize("seed", range(4))
def test_two_looks_equal_every_pattern_counted_by_hand(seed: int) -> None:
    differences = drawn(seed, 9, 3, effect=0.4)
    rule = LookRule(looks=(6, 9))
    first, last = take_looks(differences, range(9), rule)
    assert {arm.state for arm in first.values()} == {"open"}
    expected = brute_force(differences, 6, 9, rule.levels()[0])
    assert {int(arm): found.p for arm, found in last.items()} == pytest.approx(expected)


def test_one_look_is_max_t() -> None:
    differences = drawn(3, 9, 4)
    (only,) = take_looks(differences, range(9), LookRule(looks=(9,)))
    assert {arm: found.p for arm, found in only.items()} == pytest.approx(max_t(differences, ALPHA))


def test_levels_grow_with_the_seeds_and_reach_what_these_can() -> None:
    assert LookRule(looks=(6, 9, 12)).levels() == pytest.approx((1 / 32, 0.03375, 0.045))
    assert LookRule(looks=(3, 6, 8)).levels() == pytest.approx((0.0, 0.03375, 0.045))
    assert LookRule(looks=(4, 5)).levels() == pytest.approx((0.0, 0.045))
    assert LookRule(looks=(9,)).levels() == (ALPHA,)


def test_a_decided_arm_keeps_what_its_look_found() -> None:
    found = take_looks({"sure": SURE, "mixed": UNEVEN}, range(12), LookRule(looks=(6, 12)))
    assert found[0]["sure"].state == "better"
    assert found[1]["sure"] == found[0]["sure"]
    assert (found[1]["sure"].seeds, found[1]["mixed"].seeds) == (6, 12)
    worse = take_looks({"sure": SURE}, range(12), LookRule(looks=(6, 12), mode="min"))
    assert [arm["sure"].state for arm in worse] == ["worse"]  # the second look has nothing to do


def test_what_runs_after_an_arm_has_stopped_is_ignored() -> None:
    """A run that was reused or was in flight when the look was taken changes nothing."""
    later = {**{seed: SURE[seed] for seed in range(6)}, **{seed: -9.0 for seed in range(6, 12)}}
    open_arm, rule = drawn(0, 12, 1)["0"], LookRule(looks=(6, 12))
    short = take_looks({"a": {s: 1.0 for s in range(6)}, "b": open_arm}, range(12), rule)
    assert take_looks({"a": later, "b": open_arm}, range(12), rule) == short


def test_an_arm_that_nothing_can_make_significant_is_hopeless() -> None:
    """Three of six against it: 2 ** (3 + 1 - 9) = 1/32 can be reached; 4 of 8 to 10 cannot."""
    rule = LookRule(looks=(6, 9))
    assert take_looks({"mixed": MIXED}, range(9), rule)[0]["mixed"].state == "open"
    rule = LookRule(looks=(6, 8))
    assert take_looks({"mixed": MIXED}, range(8), rule)[0]["mixed"].state == "hopeless"


def test_a_hopeless_arm_stays_in_the_correction_of_the_others() -> None:
    """Its seeds after the look are its earlier ones again: as if it had run and nothing changed."""
    weak = dict(enumerate([0.1, 0.9, 0.5, 0.7, 0.3, 0.6, 0.2, -0.1, 0.4]))
    wide = dict(enumerate([9.0, -8.0, 6.0, -7.5, 5.0, -5.5]))
    rule = LookRule(looks=(5, 6, 9), smallest=0.001)
    found = take_looks({"weak": weak, "wide": wide}, range(9), rule)
    assert (found[0]["wide"].state, found[-1]["wide"].seeds) == ("hopeless", 5)
    alone = take_looks({"weak": weak}, range(9), rule)
    assert found[-1]["weak"].p > alone[-1]["weak"].p


def test_the_same_is_shown_on_both_sides() -> None:
    noise = {seed: 0.01 * (-1) ** seed for seed in range(6)}
    rule = LookRule(looks=(6,), smallest=0.2)
    (found,) = take_looks({"same": noise}, range(6), rule)
    assert found["same"].state == "same"
    assert found["same"].p_same == 2**-6  # every other pattern is less extreme
    at_border = {seed: 0.2 + value for seed, value in noise.items()}
    (found,) = take_looks({"border": at_border}, range(6), rule)
    assert found["border"].state == "better"
    # Better than nothing, and by less than matters.
    small = {seed: 0.1 + value for seed, value in noise.items()}
    assert take_looks({"small": small}, range(6), rule)[0]["small"].state == "same"


def test_a_failed_run_is_no_difference() -> None:
    lost = {seed: 1.0 for seed in range(9) if seed != 4}
    first, second = take_looks({"lost": lost}, range(9), LookRule(looks=(6, 9)))
    assert (first["lost"].state, first["lost"].p) == ("open", 2**-4)
    assert (second["lost"].state, second["lost"].seeds) == ("better", 9)
    assert take_looks({"gone": {}}, range(9), LookRule(looks=(6, 9)))[-1]["gone"].p == 1.0


def test_another_metric_follows_the_arms_of_the_objective() -> None:
    values = {"stopped": SURE, "ran": UNEVEN}
    found = take_looks(values, range(9), LookRule(looks=(6, 9)), ran={"stopped": 6, "ran": 9})
    assert [look["stopped"].state for look in found] == ["better", "better"]
    assert [look["stopped"].seeds for look in found] == [6, 6]


@pytest.mark.parametrize("effects", [0, 5])
def test_a_study_with_looks_seldom_says_anything_false(effects: int) -> None:
    """The bound is the level and three standard errors of 150 studies."""
    values_C = np.where(np.arange(family_error.ARMS) < effects, 4.0, 0.0)
    one = family_error.simulate(family_error.normal, values_C, 150, looks=(6, 8))
    assert one.family_error <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 150)
    assert one.found == pytest.approx(1.0, abs=0.05) if effects else one.found == 0
