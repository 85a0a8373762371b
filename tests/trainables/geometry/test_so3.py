"""The geodesic distance: the paper's formula, and a gradient that cannot explode."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from trainables.geometry import so3

LAMBDA = 0.1


def nearest_rotation(m_N33: Tensor) -> Tensor:
    """P of Eq. 3, by singular value decomposition."""
    u, _, vt = torch.linalg.svd(m_N33)
    flip = torch.diag_embed(torch.stack([*[torch.ones(len(u))] * 2, torch.det(u @ vt)], dim=1))
    return u @ flip.to(u) @ vt


def as_printed(m_N33: Tensor) -> Tensor:
    """The distance of Eq. 3 and 4, exactly as printed."""
    p = nearest_rotation(m_N33)
    residual = m_N33 - p
    trace = p.diagonal(dim1=1, dim2=2).sum(dim=1)
    return torch.arccos((trace - 1) / 2) + LAMBDA * residual.square().sum(dim=(1, 2))


def random_matrices(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, 3, dtype=torch.float64, generator=generator)


def distinctness(m_N33: Tensor) -> Tensor:
    """s_2 + s_3 with the determinant's sign: what the neighbourhood is measured in."""
    singular = torch.linalg.svdvals(m_N33)
    return singular[:, 1] + singular[:, 2] * torch.det(m_N33).sign()


@pytest.mark.parametrize("tiny", [0.0, 1e-12, 1e-8, 1e-3, 1.0, math.pi - 1e-8, math.pi])
def test_a_rotation_by_phi_is_phi_away(tiny: float) -> None:
    axes = np.random.default_rng(0).normal(size=(100, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    rotations = torch.from_numpy(Rotation.from_rotvec(axes * tiny).as_matrix())
    assert so3.so3_distance(rotations, LAMBDA).numpy() == pytest.approx(tiny, abs=1e-6)


def test_it_is_the_papers_formula_outside_the_neighbourhood() -> None:
    m_N33 = random_matrices(2000)
    m_N33 = m_N33[distinctness(m_N33) > so3.EPSILON]
    assert len(m_N33) > 1900
    torch.testing.assert_close(so3.so3_distance(m_N33, LAMBDA), as_printed(m_N33))


def test_its_gradient_is_that_of_the_papers_formula_where_that_has_one() -> None:
    m_N33 = random_matrices(500)
    m_N33 = m_N33[distinctness(m_N33) > 0.2].requires_grad_()
    (ours,) = torch.autograd.grad(so3.so3_distance(m_N33, LAMBDA).sum(), m_N33)
    (printed,) = torch.autograd.grad(as_printed(m_N33).sum(), m_N33)
    torch.testing.assert_close(ours, printed, rtol=1e-6, atol=1e-8)


def test_gradcheck_outside_and_inside_the_neighbourhood() -> None:
    far = random_matrices(60)
    far = far[distinctness(far) > so3.EPSILON][:12]
    near = torch.diag(torch.tensor([1.2, 0.8, -0.78], dtype=torch.float64))
    near = near + 0.002 * random_matrices(4)
    assert (distinctness(near) < so3.EPSILON).all()
    for m_N33 in (far, near):
        assert torch.autograd.gradcheck(
            lambda m: so3.so3_distance(m, LAMBDA), m_N33.requires_grad_()
        )


def hundred_thousand() -> Tensor:
    """Theta-hats of all sizes; a tenth within 1e-6 of the identity or of a reflection."""
    generator = torch.Generator().manual_seed(1)
    m_N33 = random_matrices(100_000) * 2 * torch.rand(100_000, 1, 1, generator=generator)
    rotation = torch.from_numpy(Rotation.random(5_000, random_state=2).as_matrix())
    mirror = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    off = (torch.rand(10_000, 3, 3, dtype=torch.float64, generator=generator) * 2 - 1) * 1e-6
    m_N33[:5_000] = torch.eye(3) + off[:5_000]
    m_N33[5_000:10_000] = rotation @ mirror @ rotation.mT + off[5_000:]
    exact = (
        torch.eye(3),
        mirror,
        -torch.eye(3),
        torch.zeros(3, 3),
        torch.diag(torch.tensor([1.0, 0, 0])),
    )
    m_N33[: len(exact)] = torch.stack([matrix.double() for matrix in exact])
    return m_N33


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_gradient_is_longer_than_the_documented_bound(dtype: torch.dtype) -> None:
    m_N33 = hundred_thousand().to(dtype).requires_grad_()
    distance_N = so3.so3_distance(m_N33, LAMBDA)
    (gradient_N33,) = torch.autograd.grad(distance_N.sum(), m_N33)
    residual_N = (m_N33.detach() - nearest_rotation(m_N33.detach())).norm(dim=(1, 2))
    assert distance_N.isfinite().all()
    assert gradient_N33.isfinite().all()
    bound_N = so3.ANGLE_GRADIENT_BOUND + 2 * LAMBDA * residual_N
    assert (gradient_N33.norm(dim=(1, 2)) <= bound_N).all()


def test_the_bound_holds_where_it_is_nearly_reached() -> None:
    """Matrices inside the neighbourhood, which random ones seldom hit; without the residual."""
    generator = torch.Generator().manual_seed(3)
    gap, second = torch.rand(2, 20_000, dtype=torch.float64, generator=generator)
    gap, second = gap * so3.EPSILON, second + 0.01
    left, right = (
        torch.from_numpy(Rotation.random(20_000, random_state=s).as_matrix()) for s in (4, 5)
    )
    singular = torch.stack((second + 0.5, second, gap - second), dim=1)
    m_N33 = (left @ torch.diag_embed(singular) @ right).requires_grad_()
    (gradient_N33,) = torch.autograd.grad(so3.so3_distance(m_N33, 0.0).sum(), m_N33)
    longest = gradient_N33.norm(dim=(1, 2)).max()
    assert 0.8 * so3.ANGLE_GRADIENT_BOUND < longest <= so3.ANGLE_GRADIENT_BOUND


def test_the_gradient_near_a_reflection_is_not_zero_and_leads_away_from_it() -> None:
    mirror = torch.diag(torch.tensor([1.1, 0.9, -0.88], dtype=torch.float64)).unsqueeze(0)
    before = so3.so3_distance(mirror.requires_grad_(), LAMBDA)
    (gradient,) = torch.autograd.grad(before.sum(), mirror)
    stepped = (mirror - 1e-4 * gradient / gradient.norm()).detach()
    assert gradient.norm() > 0.1
    assert so3.so3_distance(stepped, LAMBDA) < before


def test_other_shapes_than_3x3_and_invalid_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"m must be \(N,3,3\), got \(2, 3\)"):
        so3.so3_distance(torch.eye(2, 3), LAMBDA)
    with pytest.raises(ValueError, match="lambda_geo must be a finite number >= 0, got -1"):
        so3.so3_distance(torch.eye(3).unsqueeze(0), -1)
