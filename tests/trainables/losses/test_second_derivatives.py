"""A second derivative is right or refused, never dropped: gradient penalties would miss a term."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.trainables.losses.cases import LOSSES, Loss
from tests.trainables.losses.rival_cases import BY_HAND_RIVALS
from trainables.geometry.so3 import so3_distance
from trainables.losses.active_boundary import active_boundary
from trainables.losses.lovasz import lovasz_softmax

BY_HAND = (
    "lovasz",
    "lovasz_all",
    "lovasz_list",
    "hinge",
    "dice",
    "abl",
    "fkl",
    "boundary_loss",
    "boundary_loss_foreground",
    "semeda",
    "semeda_after_relu",
    "ppce",
    *BY_HAND_RIVALS,
)
"""Losses that compute their gradient along with their value."""
BY_TORCH = [name for name in LOSSES if name not in BY_HAND]
MORE: dict[str, Loss] = {
    "abl_released": lambda x, y: active_boundary(x, y, variant="released", max_ratio=0.2),
    "lovasz_together": lambda x, y: lovasz_softmax(x, y, per_image=False, variant="released"),
}


def scene() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(1, 3, 3, 4, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), torch.tensor([[[0, 0, 1, 1], [2, 2, 1, 255], [2, 0, 0, 1]]])


def penalty(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    """The squared norm of the gradient of the loss beside another term."""
    total = loss(logits, labels).total + logits.pow(3).sum()
    (gradient,) = torch.autograd.grad(total, logits, create_graph=True)
    return gradient.square().sum()


@pytest.mark.parametrize("name", BY_TORCH)
def test_the_second_derivative_is_that_of_the_first(name: str) -> None:
    logits, labels = scene()
    assert torch.autograd.gradgradcheck(lambda x: LOSSES[name](x, labels).total, logits)


def _through_the_logits(value: Tensor, logits: Tensor) -> None:
    """Visits only what leads to the logits."""
    torch.autograd.grad(value, logits)


def _through_all(value: Tensor, logits: Tensor) -> None:
    value.backward()


@pytest.mark.parametrize("differentiate", [_through_the_logits, _through_all])
@pytest.mark.parametrize("name", [*BY_HAND, *MORE])
def test_a_gradient_penalty_on_a_loss_without_one_is_refused(
    name: str, differentiate: Callable[[Tensor, Tensor], None]
) -> None:
    logits, labels = scene()
    value = penalty((LOSSES | MORE)[name], logits, labels)
    with pytest.raises(NotImplementedError, match="this loss has a first derivative only"):
        differentiate(value, logits)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_graph_that_is_not_differentiated_again_changes_nothing(name: str) -> None:
    logits, labels = scene()
    (plain,) = torch.autograd.grad(LOSSES[name](logits, labels).total * 3, logits)
    total = LOSSES[name](logits, labels).total * 3
    (graphed,) = torch.autograd.grad(total, logits, create_graph=True)
    torch.testing.assert_close(graphed.detach(), plain, rtol=0, atol=0)


def test_a_gradient_penalty_on_the_geodesic_distance_is_refused() -> None:
    m_N33 = torch.eye(3, dtype=torch.float64).expand(2, 3, 3) + 0.1 * torch.ones(3, 3)
    m_N33 = m_N33.requires_grad_()
    total = so3_distance(m_N33, 0.1).sum()
    (gradient,) = torch.autograd.grad(total, m_N33, create_graph=True)
    with pytest.raises(NotImplementedError, match="this loss has a first derivative only"):
        torch.autograd.grad((gradient + m_N33).square().sum(), m_N33)
