"""Batch norms over all ranks: ours by its sums, torch's by its choice and its states."""

import pytest
import torch
import torch.distributed as dist
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from trainables.networks.batch_norm import (
    GlobalBatchNorm2d,
    NcclBatchNorm,
    _SumOverRanks,
    make_global,
)
from trainables.training.optimization import freeze_batch_norm


@pytest.fixture
def nccl(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this process were a rank on a GPU, alone in its group."""
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_backend", lambda group=None: "nccl")
    monkeypatch.setattr(dist, "get_world_size", lambda group=None: 1)


def layers() -> nn.Sequential:
    """Two batch norms, timm's with its activation, that have seen one batch."""
    torch.manual_seed(1)
    network = nn.Sequential(BatchNormAct2d(3, eps=1e-3, inplace=False), nn.BatchNorm2d(3))
    for layer in network:
        nn.init.uniform_(layer.get_parameter("weight"), -1, 1)
        layer(torch.randn(2, 3, 4, 4))
    return network


def test_ranks_on_gpus_have_torch_s_layer_with_the_same_state(nccl: None) -> None:
    plain, network = layers(), make_global(layers())
    assert [type(layer) for layer in network.children()] == [NcclBatchNorm, NcclBatchNorm]
    assert make_global(network) is network
    assert [layer.eps for layer in network.children()] == [1e-3, 1e-5]
    ours, theirs = network.state_dict(), plain.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    image = torch.randn(2, 3, 4, 4)
    assert torch.equal(network.eval()(image), plain.eval()(image))


def test_a_checkpoint_of_either_kind_is_one_of_the_other(
    monkeypatch: pytest.MonkeyPatch, nccl: None
) -> None:
    on_gpus = make_global(layers())
    monkeypatch.setattr(dist, "get_backend", lambda group=None: "gloo")
    on_cpus = make_global(layers())
    assert isinstance(next(on_cpus.children()), GlobalBatchNorm2d)
    image = torch.randn(2, 3, 4, 4)
    on_gpus.eval()(image)
    for one, other in ((on_gpus, on_cpus), (on_cpus, on_gpus)):
        nn.init.normal_(next(one.parameters()))
        other.load_state_dict(one.state_dict())
        assert torch.equal(one.eval()(image), other.eval()(image))


def test_torch_s_layer_is_frozen_like_ours(nccl: None) -> None:
    network = make_global(layers()).train()
    freeze_batch_norm(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.randn(2, 3, 4, 4))
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


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
