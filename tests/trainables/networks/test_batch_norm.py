import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from trainables.networks.batch_norm import _SumOverRanks


def test_a_second_derivative_is_summed_over_ranks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ranks with the same x: both add (2 x)^2 to the loss, whose derivative by x is 8 x."""

    def of_two_equal_ranks(tensor: Tensor) -> None:
        tensor.detach().mul_(2)

    monkeypatch.setattr(dist, "all_reduce", of_two_equal_ranks)
    x_D = torch.tensor([3.0], requires_grad=True)
    squared = _SumOverRanks.apply(x_D).square().sum()
    (first_D,) = torch.autograd.grad(squared, x_D, create_graph=True)
    assert first_D.item() == 8 * 3
    (second_D,) = torch.autograd.grad(first_D.sum(), x_D)
    assert second_D.item() == 8
