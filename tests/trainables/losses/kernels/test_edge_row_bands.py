from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, eight_neighbour_boundary
from trainables.losses.kernels.edge_row_bands import bands_of
from trainables.losses.semeda import ppce_on_edges, semeda
from trainables.losses.term import LossTerm
from trainables.stages.edge_net.network import EdgeNet


def scene() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 3, (2, 61, 7), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = VOID
    return torch.randn(2, 3, 61, 7, generator=generator, dtype=torch.float64), labels


def test_every_valid_pixel_is_kept_once() -> None:
    _, labels = scene()
    times_kept = torch.zeros_like(labels)
    for band in bands_of(labels, EdgeNet(3)):
        times_kept[band.image, band.read] += band.kept_11HW[:, 0]
    torch.testing.assert_close(times_kept, (labels != VOID).long())


@pytest.mark.parametrize("loss", ["before_relu", "after_relu", "ppce"])
def test_row_bands_give_what_complete_images_give(loss: Any) -> None:
    logits, labels = scene()
    network = EdgeNet(3).double().requires_grad_(False)

    def value(leaf: Tensor, edge_net: Any) -> LossTerm:
        if loss == "ppce":
            boundary = eight_neighbour_boundary(labels)
            return ppce_on_edges(leaf, labels, boundary, edge_net=edge_net)
        return semeda(leaf, labels, edge_net=edge_net, lambdas=(1, 0.5, 0.25), matching=loss)

    results = []
    for edge_net in (network, lambda prob: network(prob)):  # a lambda's receptive field is unknown
        leaf = logits.clone().requires_grad_()
        term = value(leaf, edge_net)
        results.append((term.total.detach(), *torch.autograd.grad(term.total, leaf)))
    torch.testing.assert_close(results[0], results[1])
    assert len(list(bands_of(labels, network))) > 2 == len(list(bands_of(labels, lambda prob: ())))
