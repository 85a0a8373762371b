"""Losses on a frozen edge network's embeddings of a prediction, a few rows at a time.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from trainables.geometry.boundaries import VOID
from trainables.geometry.device import on_cpu

EdgeNet = Callable[[Tensor], Iterable[Tensor]]
"""A frozen edge network: (B,K,H,W) class probabilities -> the output (B,C,H,W) of each of its three
layers before activation; the last has C = 2, "no edge" and "edge". If it yields them one by one, or
has a method ``one_by_one`` that does, layers after the last with a weight are not computed. If it
has an attribute ``reach``, the number of pixels on which its output depends in each direction, it
gets a few rows at a time, and only the layers of these are in memory."""

_CPU_ROWS, _GPU_ROWS = 8, 64
"""Rows of a band for each pixel of reach: on a CPU few, so that the layers fit in its cache."""


class Band(NamedTuple):
    """Rows of one image. Every row belongs to one band, and neighbouring bands read it too."""

    image: slice
    read: slice
    """The band's rows, and those within the edge network's reach."""
    kept_11HW: Tensor
    """Bool, over the rows read: which pixels belong to this band and are not void."""


def bands_of(labels_BHW: Tensor, edge_net: EdgeNet) -> Iterator[Band]:
    """Bands that together contain every row once; whole images if the reach is unknown."""
    reach = int(getattr(edge_net, "reach", 0))
    images, rows, columns = labels_BHW.shape
    per_reach = _CPU_ROWS if on_cpu(labels_BHW) else _GPU_ROWS
    height = per_reach * reach or max(rows, 1)
    for image in (slice(i, i + 1) for i in range(images if columns else 0)):
        for start in range(0, rows, height):
            stop = min(start + height, rows)
            read = slice(max(start - reach, 0), min(stop + reach, rows))
            kept_11HW = (labels_BHW[image, read] != VOID).unsqueeze(1)
            # Rows within reach belong to the neighbouring bands.
            kept_11HW[:, :, : start - read.start] = False
            kept_11HW[:, :, stop - read.start :] = False
            yield Band(image, read, kept_11HW)


def layers_of(edge_net: EdgeNet, prob_BKHW: Tensor) -> Iterator[Tensor]:
    """The network's layers, each computed only when it is requested if the network can."""
    run: EdgeNet = getattr(edge_net, "one_by_one", edge_net)
    return iter(run(prob_BKHW))


Embed = Callable[[Tensor], list[Tensor]]
"""(1,K,H,W) probabilities -> the embeddings that are compared."""

Compare = Callable[[Band, list[Tensor]], tuple[Tensor, list[Tensor]]]
"""A band and its embeddings -> their share of the loss, and its derivative by each of them."""


def value_and_gradient(
    logits_BKHW: Tensor, labels_BHW: Tensor, edge_net: EdgeNet, embed: Embed, compare: Compare
) -> tuple[Tensor, Tensor]:
    """The loss, summed over bands, and its derivative by the logits.

    Void pixels are blank (all zero) for the edge net. Its input is "channels last", which makes
    convolutions on a CPU a third faster.
    """
    gradient_BKHW = torch.zeros_like(logits_BKHW)
    total = logits_BKHW.new_zeros(())
    differentiate = torch.is_grad_enabled() and logits_BKHW.requires_grad
    for band in bands_of(labels_BHW, edge_net):
        place = band.image, slice(None), band.read
        with torch.no_grad():
            valid_11HW = (labels_BHW[band.image, band.read] != VOID).unsqueeze(1)
            prob_1KHW = logits_BKHW[place].softmax(dim=1).mul_(valid_11HW)
            prob_1KHW = prob_1KHW.contiguous(memory_format=torch.channels_last)
        prob_1KHW.requires_grad_(differentiate)
        with torch.set_grad_enabled(differentiate):
            embeddings = embed(prob_1KHW)
        with torch.no_grad():
            part, slopes = compare(band, [embedding.detach() for embedding in embeddings])
            total += part
        if differentiate:
            # Only the graph of the embeddings is still needed: free their values.
            edges = [get_gradient_edge(embedding) for embedding in embeddings]
            embeddings.clear()
            (slope_1KHW,) = torch.autograd.grad(edges, prob_1KHW, slopes)
            with torch.no_grad():
                # Through the softmax: p_k (s_k - sum p s).
                slope_1KHW -= (prob_1KHW * slope_1KHW).sum(dim=1, keepdim=True)
                gradient_BKHW[place].addcmul_(slope_1KHW, prob_1KHW)
    return total, gradient_BKHW
