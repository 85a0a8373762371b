"""The repeatable forms that `optim/deterministic` takes give torch's values and gradients."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.geometry.pooling import cell_means
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.cross_entropy import balanced_cross_entropy, cross_entropy
from trainables.losses.term import LossTerm
from trainables.networks.repeatable import RepeatablePool, make_repeatable

Loss = Callable[[Tensor, Tensor], LossTerm]
Require = Callable[[bool], None]


@pytest.fixture
def require(monkeypatch: pytest.MonkeyPatch) -> Require:
    """Require deterministic forms, or not; torch's own switch first imports its compiler."""
    return lambda wanted: monkeypatch.setattr(
        torch, "are_deterministic_algorithms_enabled", lambda: wanted
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (6, 6), (7, 5), (12, 12)])
def test_means_over_cells_are_those_of_torch(size: tuple[int, int], require: Require) -> None:
    map_BDHW = torch.randn(2, 3, 7, 10, dtype=torch.float64, requires_grad=True)
    theirs = F.adaptive_avg_pool2d(map_BDHW, size)
    require(True)
    ours = cell_means(map_BDHW, size)
    assert torch.allclose(ours, theirs, atol=1e-12)
    slope = torch.randn_like(theirs)
    one, other = (torch.autograd.grad(x, map_BDHW, slope)[0] for x in (ours, theirs))
    assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        cross_entropy,
        lambda logits, labels: cross_entropy(logits, labels, label_smoothing=0.2),
        balanced_cross_entropy,
        lambda logits, labels: affinity_regression(logits, labels, sampling="average"),
    ],
)
def test_a_loss_s_repeatable_form_is_its_usual_one(loss: Loss, require: Require) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 13, 17, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (2, 13, 17))
    labels[:, :4] = 255
    found = []
    for deterministic in (False, True):
        require(deterministic)
        total = loss(logits, labels).total
        found.append((total.detach(), *torch.autograd.grad(total, logits)))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-12)


def test_a_network_s_pools_are_replaced_and_evaluate_as_before(require: Require) -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.ModuleList([nn.AdaptiveAvgPool2d((2, 2))]))
    x = torch.randn(1, 2, 8, 9)
    usual = network[0](x)
    make_repeatable(network)
    assert isinstance(network[0], RepeatablePool)
    inner = next(network[1].children())
    assert isinstance(inner, RepeatablePool)
    assert inner.output_size == (2, 2)
    require(True)
    assert torch.equal(network[0].eval()(x), usual)
    assert torch.allclose(network[0].train()(x), usual, atol=1e-6)
