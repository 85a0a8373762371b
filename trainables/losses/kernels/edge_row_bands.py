"""Losses on what a frozen edge network makes of a prediction, a few rows at a time.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from trainables.geometry.boundaries import VOID

EdgeNet = Callable[[Tensor], Iterable[Tensor]]
"""A frozen edge detector: (B,K,H,W) class probabilities -> what each of its three layers puts out
before activation, (B,C,H,W); the last has C = 2, "no edge" and "edge". One that yields them one by
one, or has a method ``one_by_one`` that does, is spared the layers that have no weight. One with an
attribute ``reach``, the number of pixels that its output depends on in each direction, is shown a
few rows at a time: then the layers of these are all that is ever held."""

_ROWS_PER_REACH = {"cpu": 8}
_MORE_ROWS_PER_REACH = 64


class Band(NamedTuple):
    """Rows of one image; each is kept in one band, and shown in all that look at it."""

    image: slice
    shown: slice
    kept_11HW: Tensor
    """Bool, of the rows shown: which pixels are this band's own, and not void."""


def bands_of(labels_BHW: Tensor, edge_net: EdgeNet) -> Iterator[Band]:
    """Bands that together keep every pixel once; whole images where the reach is not known."""
    reach = int(getattr(edge_net, "reach", 0))
    images, rows, _ = labels_BHW.shape
    per_reach = _ROWS_PER_REACH.get(labels_BHW.device.type, _MORE_ROWS_PER_REACH)
    height = per_reach * reach or max(rows, 1)
    for image in (slice(i, i + 1) for i in range(images)):
        for start in range(0, rows, height):
            stop = min(start + height, rows)
            shown = slice(max(start - reach, 0), min(stop + reach, rows))
            kept_11HW = (labels_BHW[image, shown] != VOID).unsqueeze(1)
            kept_11HW[:, :, : start - shown.start] = False
            kept_11HW[:, :, stop - shown.start :] = False
            yield Band(image, shown, kept_11HW)


def layers_of(edge_net: EdgeNet, prob_BKHW: Tensor) -> Iterator[Tensor]:
    """The network's layers, no earlier than they are asked for where it can do that."""
    run: EdgeNet = getattr(edge_net, "one_by_one", edge_net)
    return iter(run(prob_BKHW))


Look = Callable[[Tensor], list[Tensor]]
"""(1,K,H,W) probabilities -> the embeddings that are compared."""

Compare = Callable[[Band, list[Tensor]], tuple[Tensor, list[Tensor]]]
"""A band and its embeddings -> their part of the loss, and its derivative by each of them."""


def value_and_gradient(
    logits_BKHW: Tensor, labels_BHW: Tensor, edge_net: EdgeNet, look: Look, compare: Compare
) -> tuple[Tensor, Tensor]:
    """The loss, summed over bands, and its derivative by the logits.

    Void pixels are blank (all zero) for the edge net. It gets the classes of a pixel side by side
    ("channels last"): on a CPU convolutions take a third less time that way.
    """
    gradient_BKHW = torch.zeros_like(logits_BKHW)
    total = logits_BKHW.new_zeros(())
    differentiate = torch.is_grad_enabled() and logits_BKHW.requires_grad
    for band in bands_of(labels_BHW, edge_net):
        place = band.image, slice(None), band.shown
        with torch.no_grad():
            valid_11HW = (labels_BHW[band.image, band.shown] != VOID).unsqueeze(1)
            prob_1KHW = logits_BKHW[place].softmax(dim=1).mul_(valid_11HW)
            prob_1KHW = prob_1KHW.contiguous(memory_format=torch.channels_last)
        prob_1KHW.requires_grad_(differentiate)
        with torch.set_grad_enabled(differentiate):
            embeddings = look(prob_1KHW)
        with torch.no_grad():
            part, slopes = compare(band, [embedding.detach() for embedding in embeddings])
            total += part
        if differentiate:
            # The graph is all that is still needed of the embeddings, not their values.
            edges = [get_gradient_edge(embedding) for embedding in embeddings]
            embeddings.clear()
            (slope_1KHW,) = torch.autograd.grad(edges, prob_1KHW, slopes)
            with torch.no_grad():
                slope_1KHW -= (prob_1KHW * slope_1KHW).sum(dim=1, keepdim=True)
                gradient_BKHW[place].addcmul_(slope_1KHW, prob_1KHW)
    return total, gradient_BKHW
