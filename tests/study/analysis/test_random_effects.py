"""Random effects against published figures, closed forms and simulated studies."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from study.analysis.random_effects import Measured, Pooled, between_variance, pool_all

BCG = (
    (4, 119, 11, 128),
    (6, 300, 29, 274),
    (3, 228, 11, 209),
    (62, 13536, 248, 12619),
    (33, 5036, 47, 5761),
    (180, 1361, 372, 1079),
    (8, 2537, 10, 619),
    (505, 87886, 499, 87892),
    (29, 7470, 45, 7232),
    (17, 1699, 65, 1600),
    (186, 50448, 141, 27197),
    (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
)
"""Tuberculosis with and without vaccination (Colditz et al., 1994): ill, well, ill, well."""


def pool(effects: Sequence[float], errors: Sequence[float]) -> Pooled:
    """One effect alone."""
    (found,) = pool_all([Measured(effects, errors)])
    return found


def log_risk_ratios() -> tuple[list[float], list[float]]:
    ill, well, ill_too, well_too = np.array(BCG, dtype=float).T
    vaccinated, control = ill + well, ill_too + well_too
    effects = np.log(ill / vaccinated) - np.log(ill_too / control)
    variances = 1 / ill - 1 / vaccinated + 1 / ill_too - 1 / control
    return [*effects], [*np.sqrt(variances)]


def cochran_q(effects: Sequence[float], errors: Sequence[float], tau2: float) -> float:
    """Written out from Viechtbauer (2021)."""
    weights = [1 / (error**2 + tau2) for error in errors]
    mean = sum(w * y for w, y in zip(weights, effects, strict=True)) / sum(weights)
    return sum(w * (y - mean) ** 2 for w, y in zip(weights, effects, strict=True))


def test_the_vaccination_trials_have_their_published_figures() -> None:
    """metafor's documentation of ``rma`` and ``confint`` on ``dat.bcg``.

    Q is 152.2330 at no variance; tau^2 lies between 0.1197 and 1.1115 with 95 %, where Q is at 97.5
    and 2.5 % of chi-squared of 12. Ours is where it is at 50 %.
    """
    effects, errors = log_risk_ratios()
    assert cochran_q(effects, errors, 0) == pytest.approx(152.2330, abs=5e-5)
    assert cochran_q(effects, errors, 0.1197) == pytest.approx(23.3367, abs=5e-3)
    assert cochran_q(effects, errors, 1.1115) == pytest.approx(4.4038, abs=5e-4)
    tau2 = between_variance([Measured(effects, errors)])
    assert cochran_q(effects, errors, tau2) == pytest.approx(11.340322, abs=1e-5)


def test_the_mean_of_the_vaccination_trials_is_the_plain_one() -> None:
    """Its error is the larger one of two closed forms."""
    effects, errors = log_risk_ratios()
    tau2, found = between_variance([Measured(effects, errors)]), pool(effects, errors)
    assert found.mean == pytest.approx(sum(effects) / 13)
    known, spread = np.square(errors).mean() + tau2, np.var(effects, ddof=1)
    assert found.error == pytest.approx((max(known, spread) / 13) ** 0.5)
    assert found.high == pytest.approx(found.mean + 2.178813 * found.error, abs=1e-5)  # t of 12
    assert found.p_better < 0.15


def test_equal_errors_have_a_closed_form() -> None:
    """The effects' squares over the median of chi-squared of 3, minus the error's square."""
    effects, error = [0.1, 0.5, 0.3, 1.1], 0.2
    found = pool(effects, [error] * 4)
    assert found.tau**2 == pytest.approx(3 * np.var(effects, ddof=1) / 2.365974 - error**2)
    assert found.mean == pytest.approx(0.5)
    assert found.error == pytest.approx(((found.tau**2 + error**2) / 4) ** 0.5)
    predicted = 4.302653 * (found.tau**2 + found.error**2) ** 0.5  # t of 2
    assert (found.new_low, found.new_high) == pytest.approx((0.5 - predicted, 0.5 + predicted))


def test_studies_that_agree_by_chance_keep_the_width_of_their_errors() -> None:
    """Hartung and Knapp alone would give an interval of no width."""
    found = pool([0.3, 0.3, 0.3], [0.1, 0.1, 0.1])
    assert found.tau == 0
    assert found.mean == pytest.approx(0.3)
    assert found.error == pytest.approx(0.1 / 3**0.5)
    assert found.high - found.low == pytest.approx(2 * 4.302653 * found.error)  # t of 2


def test_the_probability_of_better_follows_the_sign() -> None:
    errors = [0.1, 0.2, 0.15]
    up, down = pool([0.3, 0.5, 0.4], errors), pool([-0.3, -0.5, -0.4], errors)
    assert up.p_better == pytest.approx(1 - down.p_better)
    # Three studies leave one degree of freedom, the Cauchy distribution.
    mean, error = 0.4, np.square(errors).sum() ** 0.5 / 3
    assert up.tau == 0
    assert up.p_better == pytest.approx(0.5 + math.atan(mean / error) / math.pi)
    assert pool([0.2, -0.2], [0.1, 0.1]).p_better == pytest.approx(0.5)


def test_the_unit_changes_nothing() -> None:
    effects, errors = [0.1, 0.5, 0.4], [0.05, 0.2, 0.1]
    whole, small = (
        pool(effects, errors),
        pool([e / 1000 for e in effects], [e / 1000 for e in errors]),
    )
    assert small.mean * 1000 == pytest.approx(whole.mean)
    assert small.tau * 1000 == pytest.approx(whole.tau)
    assert small.p_better == pytest.approx(whole.p_better)


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_intervals_hold_what_they_promise(tau: float) -> None:
    """Four studies of unequal errors: the mean, and the true effect of a fifth."""
    random, held, held_new = np.random.default_rng(0), 0, 0
    errors = [0.3, 0.5, 0.8, 1.0]
    for _ in range(300):
        true = 2 + tau * random.standard_normal(5)
        found = pool([*(true[:4] + errors * random.standard_normal(4))], errors)
        held += found.low <= 2 <= found.high
        held_new += found.new_low <= true[4] <= found.new_high
    assert held / 300 >= 0.92
    assert held_new / 300 >= 0.90


def test_several_effects_share_a_variance_and_keep_more_of_their_own() -> None:
    """With equal errors it is the median cell's, in closed form: chi-squared of 2."""
    effects, error = ([0.1, 0.5, 0.3], [0.2, 1.0, -0.6], [0.4, 0.4, 0.4]), 0.1
    measured = [Measured(each, [error] * 3) for each in effects]
    own = [np.var(each, ddof=1) / math.log(2) - error**2 for each in effects]
    assert own[2] < 0 < own[0] < own[1]
    assert between_variance(measured) == pytest.approx(own[0])
    found = pool_all(measured)
    assert [one.tau**2 for one in found] == pytest.approx([own[0], own[1], own[0]])
    assert found[2].mean == pytest.approx(0.4)
    assert found[2].error == pytest.approx(((own[0] + error**2) / 3) ** 0.5)


@pytest.mark.parametrize("beside", [1, 2, 3])
def test_cells_far_off_on_one_dataset_leave_the_others_as_they_were(beside: int) -> None:
    """Half of them, however far: what all have in common is then the most of the others'."""
    effects, errors = ([0.1, 0.5, 0.3], [0.2, 0.9, 0.4], [0.4, 0.5, 0.7]), [0.1, 0.2, 0.15]
    others = [Measured(each, errors) for each in effects[:beside]]
    most = max(between_variance([one]) for one in others)
    for fall in (-5.0, -500.0):
        found = pool_all([*others, *[Measured([0.5, 0.4, fall], errors)] * beside])
        assert [one.tau**2 for one in found[:beside]] == pytest.approx([most] * beside)


def test_cells_of_other_numbers_of_studies_share_a_variance() -> None:
    """Of three cells, the middle one's Q is at 50 % of its own chi-squared."""
    measured = [
        Measured([0.1, 0.9], [0.1, 0.2]),
        Measured([0.3, 0.2, 0.8], [0.1, 0.1, 0.2]),
        Measured([0.3, 0.3], [0.1, 0.1]),
    ]
    tau2 = between_variance(measured)
    two, three, equal = (cochran_q(*one, tau2) for one in measured)
    of_two, of_three = math.erf((two / 2) ** 0.5), 1 - math.exp(-three / 2)  # chi-squared of 1, 2
    assert equal == 0
    assert min(of_two, of_three) == pytest.approx(0.5)
