"""The distances of InverseForm as the loss uses them."""

import math

import pytest
import torch
from torch import Generator

from trainables.config import TrialConfig
from trainables.geometry import homography
from trainables.losses.geodesic import distance_of, geodesic_distance
from trainables.losses.inverse_form import inverse_form
from trainables.stages.inverse_net.dense import BlurredDenseNet
from trainables.stages.inverse_net.unexplained import WithUnexplained


def test_a_rotation_of_the_tile_is_as_far_as_its_angle() -> None:
    angle = torch.linspace(-3, 3, 25, dtype=torch.float64)
    theta = torch.eye(3, dtype=torch.float64).repeat(25, 1, 1)
    theta[:, 0, 0] = theta[:, 1, 1] = angle.cos()
    theta[:, 0, 1], theta[:, 1, 0] = -angle.sin(), angle.sin()
    distance = geodesic_distance(homography.normalise(theta, 8))
    torch.testing.assert_close(distance, angle.abs(), rtol=0, atol=1e-6)


def test_unlikeness_is_at_a_right_angle_to_the_transformation() -> None:
    coefficients = torch.randn(40, 8, dtype=torch.float64, generator=Generator().manual_seed(0))
    alone = geodesic_distance(coefficients)
    both = geodesic_distance(torch.nn.functional.pad(coefficients, (0, 1), value=2.0))
    only = geodesic_distance(torch.tensor([[0.0] * 8 + [2.0]], dtype=torch.float64))
    torch.testing.assert_close(both, torch.hypot(alone, only.expand(40)))


@pytest.mark.parametrize("kind", ["euclidean", "geodesic"])
def test_every_prediction_has_a_finite_gradient(kind: str) -> None:
    """Predictions: blank, certain, random, perfect, and one with a theta-hat far away."""
    torch.manual_seed(0)
    config = TrialConfig().changed({"loss/distance": kind})
    truth = torch.rand(4, 32, 32) > 0.8
    logits = torch.stack(
        (
            torch.full((32, 32), -1e4),
            torch.full((32, 32), 1e4),
            torch.randn(32, 32) * 5,
            torch.where(truth[3], 1e4, -1e4),
        )
    ).requires_grad_()
    for scale in (1.0, 1e3, 1e9):
        regressor = BlurredDenseNet(16, 32, 8 if kind == "geodesic" else 6)
        network = WithUnexplained(regressor, 16)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(scale ** (1 / 3))
        term = inverse_form(
            logits,
            truth,
            torch.ones_like(truth),
            network=network,
            tile=16,
            distance=distance_of(config.loss.distance, config.loss.lambda_geo),
        )
        (gradient,) = torch.autograd.grad(term.total, logits)
        assert term.total.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.parametrize("weight", [-0.1, math.inf, math.nan])
def test_a_negative_lambda_is_one_clear_line(weight: float) -> None:
    with pytest.raises(ValueError, match="loss/lambda_geo must be a finite number >= 0, got"):
        TrialConfig().changed({"loss/lambda_geo": weight})
