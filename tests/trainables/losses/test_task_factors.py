"""Weights between tasks that change: the papers' formulas."""

import math

import pytest
import torch

from trainables.losses.task_factors import (
    dwa_factors,
    uncertainty_factors,
    uncertainty_penalty,
)


def test_uncertainty_is_the_objective_of_kendall() -> None:
    """L1 / (2 s1^2) + L2 / s2^2 + log s1 + log s2, with a regression and a classification."""
    sigmas, losses = torch.tensor([0.5, 3.0]), torch.tensor([2.0, 4.0])
    log_variance = sigmas.square().log().requires_grad_()
    factors = uncertainty_factors(log_variance, ["depth", "edge"])
    objective = (factors * losses).sum() + uncertainty_penalty(log_variance)
    expected = 2 / (2 * 0.25) + 4 / 9 + math.log(0.5) + math.log(3)
    assert objective.item() == pytest.approx(expected, rel=1e-6)
    (slope,) = torch.autograd.grad(objective, log_variance)
    assert slope.tolist() == pytest.approx([-2 / (2 * 0.25) + 0.5, -4 / 9 + 0.5], rel=1e-5)


def test_learnt_variances_settle_where_the_loss_says() -> None:
    """The objective is least at s^2 = L of a regression and 2 L of the others."""
    log_variance = torch.tensor([2.0, 8.0]).log().requires_grad_()
    factors = uncertainty_factors(log_variance, ["normals", "semseg"])
    objective = (factors * torch.tensor([2.0, 4.0])).sum() + uncertainty_penalty(log_variance)
    (slope,) = torch.autograd.grad(objective, log_variance)
    assert slope.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_dwa_weighs_by_how_fast_losses_fall() -> None:
    found = dwa_factors([1.0, 2.0, 4.0], [0.5, 2.0, 4.8], 2.0)
    raised = [math.exp(ratio / 2) for ratio in (0.5, 1.0, 1.2)]
    assert found == pytest.approx([3 * one / sum(raised) for one in raised])
    assert sum(found) == pytest.approx(3)
    assert dwa_factors([1.0, 2.0], [0.5, 2.0], 1e9) == pytest.approx([1, 1])
    assert dwa_factors([0.0, 2.0], [0.0, 2.0], 2.0) == pytest.approx([1, 1])


def test_a_task_absent_from_an_epoch_does_not_count_as_fallen_or_risen() -> None:
    assert dwa_factors([3.0, 2.0], [0.0, 2.0], 2.0) == pytest.approx([1, 1])
    assert dwa_factors([0.0, 2.0], [3.0, 2.0], 2.0) == pytest.approx([1, 1])
