"""The Bayesian signed-rank test against closed forms and its definition."""

import itertools

import numpy as np
import pytest

from study.analysis.signed_rank import PRIOR, SAMPLES, signed_rank


def test_one_gain_has_a_closed_form() -> None:
    """The prior's weight w is Beta(s, 1): better has 1 - w^2, no difference w^2, so that better
    leads where w < 1 / sqrt 2, which has the probability (1 / 2)^(s / 2)."""
    found = signed_rank([1.0], 0.1)
    assert found.better == pytest.approx(0.5 ** (PRIOR / 2), abs=0.006)
    assert found.same == pytest.approx(1 - 0.5 ** (PRIOR / 2), abs=0.006)
    assert found.worse == 0


def test_it_counts_pairs_as_its_definition_does() -> None:
    gains, smallest = [0.5, -0.2, 0.05], 0.1
    values, wins = [0.0, *gains], [0, 0, 0]
    weights = np.random.default_rng(0).dirichlet([PRIOR, 1, 1, 1], size=SAMPLES)
    for w in weights[:2000]:
        mass = [0.0, 0.0, 0.0]
        for (i, a), (j, b) in itertools.product(enumerate(values), repeat=2):
            region = 0 if a + b > 2 * smallest else 2 if a + b < -2 * smallest else 1
            mass[region] += w[i] * w[j]
        wins[int(np.argmax(mass))] += 1
    assert signed_rank(gains, smallest) == pytest.approx([w / 2000 for w in wins], abs=0.03)


def test_it_is_symmetric_and_sure_of_many() -> None:
    up, down = signed_rank([0.4, 0.6, -0.1], 0.2), signed_rank([-0.4, -0.6, 0.1], 0.2)
    assert (up.better, up.same) == pytest.approx((down.worse, down.same), abs=0.01)
    assert signed_rank([1.0] * 10, 0.2).better > 0.99
    assert signed_rank([0.1] * 10, 0.2).same == 1
    assert sum(up) == pytest.approx(1)
