"""The geodesic distance as printed: the SVD's formula, and the explosion that the paper reports."""

import numpy as np
import pytest
import torch
from torch import Generator

from trainables.geometry import homography
from trainables.geometry.so3 import ANGLE_GRADIENT_BOUND, so3_distance
from trainables.geometry.so3_printed import printed_distance
from trainables.losses.geodesic import Form, distance_of
from trainables.stages.inverse_net.objective import objective


def by_svd(m: np.ndarray, weight: float) -> float:
    u, _, vt = np.linalg.svd(m)
    p = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    residual = m - p
    return float(np.arccos((np.trace(p) - 1) / 2) + weight * np.trace(residual.T @ residual))


def sampled(count: int = 200) -> torch.Tensor:
    return homography.sample(count, 8, Generator().manual_seed(0)).double()


def test_both_forms_are_the_formula_where_it_holds() -> None:
    theta = sampled()
    expected = torch.tensor([by_svd(m, 0.1) for m in theta.numpy()], dtype=torch.float64)
    torch.testing.assert_close(printed_distance(theta, 0.1), expected)
    torch.testing.assert_close(so3_distance(theta, 0.1), expected, rtol=0, atol=1e-6)


def test_training_reduces_the_distance_between_the_two_transformations() -> None:
    """theta^-1 theta-hat by NumPy's inverse and SVD (Eq. 3 and 4)."""
    truth, found = sampled(60), sampled(90)[30:]
    expected = np.mean(
        [
            by_svd(np.linalg.inv(a) @ b, 0.3)
            for a, b in zip(truth.numpy(), found.numpy(), strict=True)
        ]
    )
    one, other = homography.normalise(found, 8), homography.normalise(truth, 8)
    tolerances: dict[Form, float] = {"bounded": 1e-6, "printed": 1e-9}
    for form, tolerance in tolerances.items():
        value = objective(one, other, "geodesic", 0.3, form).item()
        assert value == pytest.approx(expected, abs=tolerance)
    squared = objective(one, other, "euclidean", 0.3, "bounded").item()
    assert squared == pytest.approx(((one - other) ** 2).mean().item())


def gradient_norm(form: Form, theta: torch.Tensor) -> float:
    coefficients = homography.normalise(theta, 8).requires_grad_()
    distance = distance_of("geodesic", 0.1, form)(coefficients)
    (gradient,) = torch.autograd.grad(distance.sum(), coefficients)
    return gradient.norm().item()


def test_as_printed_it_explodes_and_ours_does_not() -> None:
    """Near a matrix without a nearest rotation: its angle is atan2(gap, gap) however small that is,
    so that the gradient is 1 / (2 gap) by hand."""
    steep = []
    for gap in (1e-2, 1e-4, 1e-6):
        theta = torch.tensor(
            [[[0.5, -gap / 2, 0.0], [gap / 2, gap - 0.5, 0.0], [0.0, 0.0, 1.0]]],
            dtype=torch.float64,
        )
        steep.append(gradient_norm("printed", theta))
        assert gradient_norm("bounded", theta) < ANGLE_GRADIENT_BOUND
    assert steep[1] > 50 * steep[0]
    assert steep[2] > 50 * steep[1]


def test_as_printed_a_perfect_prediction_has_no_gradient() -> None:
    identity = torch.eye(3, dtype=torch.float64).unsqueeze(0)
    assert not np.isfinite(gradient_norm("printed", identity))
    assert np.isfinite(gradient_norm("bounded", identity))


def test_weights_that_exploded_give_nan_and_no_error() -> None:
    """A trial then ends as diverged, as with every other loss."""
    theta = torch.eye(3).repeat(2, 1, 1)
    theta[1, 0, 0] = torch.nan
    assert printed_distance(theta, 0.1).isnan().all()
