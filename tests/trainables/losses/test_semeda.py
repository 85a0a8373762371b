"""SEMEDA and its baselines (Eq. 5 to 7), worked out by hand."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables.losses.cases import edge_net
from tests.trainables.losses.scenes import random_scene
from trainables.losses.boundary_cross_entropy import edge_head_loss
from trainables.losses.semeda import ppce_on_edges, semeda


@pytest.mark.parametrize("matching", ["before_relu", "after_relu"])
@pytest.mark.parametrize("lambdas", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.5, 0.25)])
def test_semeda_is_the_l1_between_embeddings(
    lambdas: tuple[float, float, float], matching: Any
) -> None:
    logits, labels = random_scene()
    labels = labels % 3  # no void
    predicted = edge_net(logits.softmax(1))
    true = edge_net(F.one_hot(labels, 3).permute(0, 3, 1, 2).double())
    if matching == "after_relu":
        predicted, true = ([*map(torch.relu, e[:2]), e[2].softmax(1)] for e in (predicted, true))
    expected = sum(
        weight * (a - b).abs().sum().item()
        for weight, a, b in zip(lambdas, predicted, true, strict=True)
    )
    term = semeda(logits, labels, edge_net=edge_net, lambdas=lambdas, matching=matching)
    assert term.total.item() == pytest.approx(expected)
    assert term.count == labels.numel()


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_semeda_reads_its_norm_and_its_reduction_over_channels(reduction: Any, norm: Any) -> None:
    """Brute force over pixels and channels, and its gradient by autograd."""
    logits, labels = random_scene()
    labels, lambdas = labels % 3, (0.5, 1.0, 0.25)
    one, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    true = edge_net(F.one_hot(labels, 3).permute(0, 3, 1, 2).double())
    expected = torch.zeros((), dtype=torch.float64)
    for weight, a, b in zip(lambdas, edge_net(one.softmax(1)), true, strict=True):
        difference = (a - b).abs() if norm == "l1" else (a - b) ** 2
        over_channels = difference.sum(dim=1) if reduction == "sum" else difference.mean(dim=1)
        expected = expected + weight * over_channels.sum()
    term = semeda(other, labels, edge_net=edge_net, lambdas=lambdas, reduction=reduction, norm=norm)
    assert term.total.item() == pytest.approx(expected.item())
    (wanted,) = torch.autograd.grad(expected, one)
    (found,) = torch.autograd.grad(term.total, other)
    torch.testing.assert_close(found, wanted)


def test_semeda_of_a_perfect_prediction_is_zero() -> None:
    _, labels = random_scene()
    logits = F.one_hot(labels.clamp(max=2), 3).permute(0, 3, 1, 2).double() * 100
    assert semeda(logits, labels, edge_net=edge_net).total.item() == pytest.approx(0, abs=1e-9)


def test_semeda_computes_no_layer_beyond_the_last_with_a_weight() -> None:
    def lazy(prob: Tensor) -> Iterator[Tensor]:
        yield from edge_net(prob)[:2]
        raise AssertionError("the third layer has no weight")

    logits, labels = random_scene()
    terms = [semeda(logits, labels, edge_net=net) for net in (lazy, edge_net)]
    assert terms[0].total.item() == terms[1].total.item()


def test_semeda_refuses_other_lambdas() -> None:
    logits, labels = random_scene()
    with pytest.raises(ValueError, match="lambdas must be three finite numbers >= 0"):
        semeda(logits, labels, edge_net=edge_net, lambdas=(1.0, -1.0, 0.0))


def test_ppce_on_edges_is_cross_entropy_of_the_edge_net() -> None:
    logits, labels = random_scene()
    labels = labels % 3
    boundary = labels > 1
    expected = F.cross_entropy(edge_net(logits.softmax(1))[2], boundary.long()).item()
    term = ppce_on_edges(logits, labels, boundary, edge_net=edge_net)
    assert term.value().item() == pytest.approx(expected)


def test_the_edge_head_is_unweighted() -> None:
    logits = torch.tensor([[[0.0, 2.0, -1.0]]])
    boundary, valid = torch.tensor([[[True, False, True]]]), torch.tensor([[[True, True, False]]])
    term = edge_head_loss(logits, boundary, valid)
    assert term.total.item() == pytest.approx(math.log(2) + math.log1p(math.exp(2)))
    assert term.count == 2
