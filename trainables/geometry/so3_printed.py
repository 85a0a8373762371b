"""InverseForm's geodesic distance exactly as it is printed, without any guard.

It is here so that the paper's remark on its exploding gradients can be tested. ``so3.py`` has the
distance that a training should use. Shape letters: N matrices; 3x3 rows and columns.
"""

import torch
from torch import Tensor


def printed_distance(m_N33: Tensor, lambda_geo: float) -> Tensor:
    """(N,): arccos((Tr P - 1) / 2) + lambda Tr(R^T R), R = M - P (InverseForm, Eq. 3 and 4).

    P = U diag(1, 1, det(U V^T)) V^T by a singular value decomposition, differentiated by autograd.
    The value is NaN for matrices that are not finite, and where rounding puts the argument of
    arccos above 1. The gradient has no bound: arccos' is infinite at the identity, and that of the
    decomposition divides by the differences of squared singular values, which are all zero at a
    rotation.

    Args:
        m_N33: float; theta^-1 theta_hat.
        lambda_geo: weight of the projection residual; 0.1 in the paper.
    """
    if not m_N33.isfinite().all():  # the decomposition would raise an error
        return m_N33.sum(dim=(1, 2)) * torch.nan
    u_N33, _, vt_N33 = torch.linalg.svd(m_N33)
    sign_N = torch.linalg.det(u_N33 @ vt_N33)
    one_N = torch.ones_like(sign_N)
    p_N33 = u_N33 * torch.stack((one_N, one_N, sign_N), dim=1).unsqueeze(1) @ vt_N33
    trace_N = p_N33.diagonal(dim1=1, dim2=2).sum(dim=1)
    return ((trace_N - 1) / 2).arccos() + lambda_geo * (m_N33 - p_N33).square().sum(dim=(1, 2))
