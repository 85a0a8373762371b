"""InverseForm's geodesic distance, from the rotation nearest to a 3x3 matrix.

The nearest rotation in the Frobenius norm, U diag(1, 1, det(U V^T)) V^T (InverseForm, after
Eq. 3), is found without a singular value decomposition: the trace of R(q)^T M is a quadratic form
in the unit quaternion q, so the best q is the top eigenvector of a symmetric 4x4 matrix that is
linear in M (Davenport's q-method; B. K. P. Horn, JOSA A 4, 1987). The gap between its two largest
eigenvalues tells how far M is from a matrix without a nearest rotation, where the formula fails.
Shape letters: N matrices; 3x3 rows and columns; 4 quaternion components (w, x, y, z).
"""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from trainables.geometry.device import beside
from trainables.geometry.first_derivative import anchor, first_derivative

EPSILON = 0.05
"""Where s_2 + s_3 (singular values, s_3 with the determinant's sign) is below this, the distance
differs from the paper's formula. Such matrices are within EPSILON / sqrt(2) of one without a
nearest rotation: a reflection, or a matrix of rank 1 or 0."""

ANGLE_GRADIENT_BOUND = 6.82 / EPSILON
"""Bound of the gradient of ``so3_distance``, without the residual's 2 lambda ||M - P||.

With t = (s_2 + s_3) / EPSILON < 1 and w = t^2 (3 - 2 t), the angle w phi + (1 - w) pi has a
gradient of two orthogonal parts: w times phi's, at most sqrt(2) (3 t - 2 t^2) / EPSILON, and
(phi - pi) times w's, at most sqrt(2) 6 pi t (1 - t) / EPSILON. The length of the two together is
largest near t = 0.51: 6.82 / EPSILON. Outside, phi's alone is at most sqrt(2) / EPSILON."""

_TINY = 1e-30


def _quaternion_form() -> Tensor:
    """(4,4,3,3) B, symmetric in its first two: R(q)_ij = sum_ab B_abij q_a q_b."""
    b_4433 = torch.zeros(4, 4, 3, 3, dtype=torch.float64)
    diagonal = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
    for a, signs in enumerate(diagonal):
        b_4433[a, a] = torch.diag(torch.tensor(signs, dtype=torch.float64))
    for a, b, i, j, sign in (
        (1, 2, 0, 1, 1),
        (1, 2, 1, 0, 1),
        (0, 3, 0, 1, -1),
        (0, 3, 1, 0, 1),
        (1, 3, 0, 2, 1),
        (1, 3, 2, 0, 1),
        (0, 2, 0, 2, 1),
        (0, 2, 2, 0, -1),
        (2, 3, 1, 2, 1),
        (2, 3, 2, 1, 1),
        (0, 1, 1, 2, -1),
        (0, 1, 2, 1, 1),
    ):
        b_4433[a, b, i, j] = b_4433[b, a, i, j] = sign
    return b_4433


_B = _quaternion_form()


def rotation_matrix(q_N4: Tensor) -> Tensor:
    """(N,3,3): the rotation of each unit quaternion."""
    return torch.einsum("abij,na,nb->nij", beside(_B, q_N4), q_N4, q_N4)


def so3_distance(m_N33: Tensor, lambda_geo: float) -> Tensor:
    """(N,): arccos((Tr P - 1) / 2) + lambda Tr(R^T R), R = M - P (InverseForm, Eq. 3 and 4).

    This is the paper's formula except for matrices with s_2 + s_3 < EPSILON. There the nearest
    rotation changes by up to pi within a step of size s_2 + s_3, so the formula's derivative is
    unbounded, and undefined at 0. In that neighbourhood the angle is blended into pi, smoothly in
    s_2 + s_3. The gradient is that of the value everywhere, and finite: its norm is at most
    ``ANGLE_GRADIENT_BOUND + 2 lambda_geo ||M - P||``. At a rotation by 0, where the angle has a
    kink, it is 0, a subgradient; at a rotation by pi it is one of the two one-sided gradients.

    Computed in float64 for any input: near the identity an eigenvector loses half the digits.
    A second derivative raises ``NotImplementedError``. On a GPU the host waits once, in ``eigh``,
    which looks whether it has converged.

    Args:
        m_N33: float; theta^-1 theta_hat.
        lambda_geo: weight of the projection residual, >= 0; 0.1 in the paper.
    """
    if m_N33.shape[1:] != (3, 3):
        raise ValueError(f"m must be (N,3,3), got {tuple(m_N33.shape)}")
    if not 0 <= lambda_geo < math.inf:
        raise ValueError(f"lambda_geo must be a finite number >= 0, got {lambda_geo}")
    distance_N: Tensor = _So3Distance.apply(m_N33, anchor(m_N33), lambda_geo)
    return distance_N


class _Decomposition(NamedTuple):
    """Eigenvalues of the 4x4 matrix in descending order, and its eigenvectors as columns."""

    lambda_N4: Tensor
    q_N44: Tensor


def _decompose(m_N33: Tensor) -> _Decomposition:
    k_N44 = torch.einsum("abij,nij->nab", beside(_B, m_N33), m_N33)
    rising_N4, vectors_N44 = torch.linalg.eigh(k_N44)
    return _Decomposition(rising_N4.flip(1), vectors_N44.flip(2))


class _Context(Protocol):
    saved_tensors: tuple[Tensor, ...]
    lambda_geo: float

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _So3Distance(torch.autograd.Function):
    """With a derivative by hand: that of ``eigh`` divides by the difference of every two
    eigenvalues, and near the identity three of them are equal."""

    @staticmethod
    def forward(ctx: _Context, m_N33: Tensor, origin: Tensor, lambda_geo: float) -> Tensor:
        wide_N33 = m_N33.detach().double()
        lambda_N4, q_N44 = _decompose(wide_N33)
        # Row 0 of q is a unit vector, so |v| is the norm of the other eigenvectors' w.
        w_N, v_N = q_N44[:, 0, 0].abs(), q_N44[:, 0, 1:].norm(dim=1)
        phi_N = 2 * torch.atan2(v_N, w_N)
        residual_N33 = wide_N33 - rotation_matrix(q_N44[:, :, 0])
        t_N = ((lambda_N4[:, 0] - lambda_N4[:, 1]) / (2 * EPSILON)).clamp(max=1)
        blend_N = t_N.square() * (3 - 2 * t_N)
        ctx.save_for_backward(origin, lambda_N4, q_N44, phi_N, residual_N33)
        ctx.lambda_geo = lambda_geo
        angle_N = torch.lerp(torch.full_like(phi_N, math.pi), phi_N, blend_N)
        squared_N = residual_N33.square().sum(dim=(1, 2))
        return (angle_N + lambda_geo * squared_N).to(m_N33.dtype)

    @staticmethod
    def backward(ctx: _Context, slope_N: Tensor) -> tuple[Tensor, None, None]:
        origin, lambda_N4, q_N44, phi_N, residual_N33 = ctx.saved_tensors
        with torch.no_grad():
            w_N44 = _angle_slope(lambda_N4, q_N44, phi_N)
            gradient_N33 = torch.einsum("abij,nab->nij", beside(_B, w_N44), w_N44)
            gradient_N33 += 2 * ctx.lambda_geo * residual_N33
            gradient_N33 = (gradient_N33 * slope_N.double().view(-1, 1, 1)).to(slope_N.dtype)
        return first_derivative(gradient_N33, origin, slope_N), None, None


def _angle_slope(lambda_N4: Tensor, q_N44: Tensor, phi_N: Tensor) -> Tensor:
    """(N,4,4): derivative of the blended angle by the 4x4 matrix.

    First-order perturbation: dq = sum_j q_j (q_j^T dK q) / (lambda_1 - lambda_j), and the angle is
    2 arccos |w|, so d phi = -2 sign(w) dw / |v|, where |v| is the length of the other w's.
    """
    best_N4, others_N43 = q_N44[:, :, 0], q_N44[:, :, 1:]
    # The gap is zero only where the blend is zero too; clamping turns 0 / 0 into 0.
    gap_N3 = (lambda_N4[:, :1] - lambda_N4[:, 1:]).clamp(min=_TINY)
    t_N = (gap_N3[:, 0] / (2 * EPSILON)).clamp(max=1)
    direction_N3 = torch.nn.functional.normalize(others_N43[:, 0], dim=1, eps=_TINY)
    sign_N = torch.where(best_N4[:, 0] < 0, 2.0, -2.0)
    blend_N = t_N.square() * (3 - 2 * t_N)
    weight_N3 = direction_N3 * (sign_N * blend_N).unsqueeze(1) / gap_N3
    turn_N4 = torch.einsum("naj,nj->na", others_N43, weight_N3)
    slope_N44 = torch.einsum("na,nb->nab", turn_N4, best_N4)

    pull_N = (phi_N - math.pi) * 6 * t_N * (1 - t_N) / (2 * EPSILON)
    second_N4 = q_N44[:, :, 1]
    slope_N44 += torch.einsum("n,na,nb->nab", pull_N, best_N4, best_N4)
    slope_N44 -= torch.einsum("n,na,nb->nab", pull_N, second_N4, second_N4)
    return slope_N44
