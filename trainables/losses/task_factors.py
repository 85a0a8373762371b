"""Formulas of the factors of tasks' weights that change during training.

Shape letters: T tasks.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

REGRESSIONS = frozenset({"depth", "normals"})
"""Tasks whose loss stands for a distance; the others' stand for a likelihood of classes."""


def uncertainty_factors(log_variance_T: Tensor, tasks: Sequence[str]) -> Tensor:
    """(T,): by task, the factor of its loss for log sigma^2 (Kendall et al., CVPR 2018).

    1 / (2 sigma^2) of a regression (Eq. 5), 1 / sigma^2 of a classification (Eq. 10).
    """
    half = [0.5 if task in REGRESSIONS else 1.0 for task in tasks]
    return log_variance_T.neg().exp() * log_variance_T.new_tensor(half)


def uncertainty_penalty(log_variance_T: Tensor) -> Tensor:
    """Scalar: the sum of log sigma, without which the factors would fall to 0 (Eq. 7 and 10)."""
    return log_variance_T.sum() / 2


def dwa_factors(before: Sequence[float], last: Sequence[float], temperature: float) -> list[float]:
    """By task, T exp(r / temperature) / sum of these, where r is last / before (Liu et al., CVPR
    2019, Eq. 7): tasks whose loss falls slowly weigh more. They sum up to the number of tasks.

    Args:
        before, last: mean losses of the epoch before the last one and of the last one. A task
            without a loss in one of them, such as without a single value there, has nothing to
            be compared with, and counts as unchanged.
        temperature: above 0.
    """
    pairs = zip(before, last, strict=True)
    ratios = [now / then if then > 0 and now > 0 else 1.0 for then, now in pairs]
    shares = torch.tensor(ratios, dtype=torch.float64).div(temperature).softmax(dim=0)
    return [float(len(ratios) * share) for share in shares]
