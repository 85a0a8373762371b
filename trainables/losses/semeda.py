"""SEMEDA (Chen, Dapogny and Cord): match predicted and true masks inside an edge detector.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from trainables.geometry.boundaries import VOID, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.known_gradient import with_known_gradient
from trainables.losses.term import LossTerm

EdgeNet = Callable[[Tensor], Iterable[Tensor]]
"""A frozen edge detector: (B,K,H,W) class probabilities -> what each of its three layers puts out
before activation, (B,C,H,W); the last has C = 2, "no edge" and "edge". One that yields them one by
one is spared the layers that have no weight."""

LAYERS = 3

Matching = Literal["before_relu", "after_relu"]


def semeda(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    edge_net: EdgeNet,
    lambdas: tuple[float, float, float] = (0.0, 1.0, 0.0),
    matching: Matching = "before_relu",
) -> LossTerm:
    """Sum over layers of lambda_l |psi_l(predicted) - psi_l(true)|, L1 over channels (Eq. 6).

    The paper found (0, 1, 0) before the ReLU best (Table 1). "after_relu" matches what the next
    layer sees, and the softmax of the last layer. Void pixels are blank (all zero) for the edge net
    in both masks, and not matched themselves.

    Args:
        logits_BKHW: float; the edge net gets their softmax.
        labels_BHW: int64, 0..K-1 or 255; the edge net gets them one-hot.
        lambdas: lambda_1, lambda_2, lambda_3, each >= 0 and finite.

    Returns:
        The sum over valid pixels, and their number: the paper's sum, as a mean over pixels.
    """
    check_inputs(logits_BKHW, labels_BHW)
    if len(lambdas) != LAYERS or not all(0 <= weight < float("inf") for weight in lambdas):
        raise ValueError(f"lambdas must be three finite numbers >= 0, got {lambdas}")
    logits_BKHW = full_precision(logits_BKHW)
    gradient_BKHW = torch.zeros_like(logits_BKHW)
    total = logits_BKHW.new_zeros(())
    differentiate = torch.is_grad_enabled() and logits_BKHW.requires_grad
    with torch.no_grad():
        matched = _Matched(edge_net, lambdas, matching)
        for image in range(len(logits_BKHW) if any(lambdas) else 0):
            one = slice(image, image + 1)
            total += matched.one_image(
                logits_BKHW[one], labels_BHW[one], gradient_BKHW[one] if differentiate else None
            )
    count = (labels_BHW != VOID).sum()
    return LossTerm(with_known_gradient(logits_BKHW, total, gradient_BKHW), count)


class _Matched(NamedTuple):
    """What is matched; one image at a time, whose embeddings are then all that is held.

    The edge net gets the classes of a pixel side by side ("channels last"): on a CPU convolutions
    take a third less time that way, and rearrange nothing.
    """

    edge_net: EdgeNet
    lambdas: tuple[float, float, float]
    matching: Matching

    def one_image(
        self, logits_1KHW: Tensor, labels_1HW: Tensor, gradient_1KHW: Tensor | None
    ) -> Tensor:
        """The sum over the image, and into ``gradient`` its derivative by the logits."""
        valid_11HW = (labels_1HW != VOID).unsqueeze(1)
        truth_1KHW = one_hot(labels_1HW, logits_1KHW.shape[1]).to(
            logits_1KHW.dtype, memory_format=torch.channels_last
        )
        true = self._embeddings(truth_1KHW)
        del truth_1KHW
        leaf_1KHW = (logits_1KHW.softmax(dim=1).mul_(valid_11HW)).contiguous(
            memory_format=torch.channels_last
        )
        leaf_1KHW.requires_grad_(gradient_1KHW is not None)
        with torch.set_grad_enabled(gradient_1KHW is not None):
            predicted = self._embeddings(leaf_1KHW)
        total = logits_1KHW.new_zeros(())
        seeds = []
        for layer, embedding in predicted.items():
            short_1CHW = true.pop(layer).sub_(embedding.detach()).mul_(valid_11HW)
            total += self.lambdas[layer] * torch.linalg.vector_norm(
                short_1CHW, 1, dtype=total.dtype
            )
            seeds.append(short_1CHW.sign_().mul_(-self.lambdas[layer]))
        if gradient_1KHW is not None:
            # The graph is all that is still needed of the embeddings, not their values.
            edges = [get_gradient_edge(embedding) for embedding in predicted.values()]
            predicted.clear()
            del embedding
            (slope_1KHW,) = torch.autograd.grad(edges, leaf_1KHW, seeds)
            mean_1HW = (leaf_1KHW * slope_1KHW).sum(dim=1, keepdim=True)
            torch.mul(slope_1KHW.sub_(mean_1HW), leaf_1KHW, out=gradient_1KHW)
        return total

    def _embeddings(self, prob_1KHW: Tensor) -> dict[int, Tensor]:
        """Those that have a weight; the others are let go, and those beyond not asked for."""
        depth = max(layer for layer in range(LAYERS) if self.lambdas[layer] > 0) + 1
        layers = iter(self.edge_net(prob_1KHW))
        kept = {}
        for layer in range(depth):
            if self.lambdas[layer] > 0:
                kept[layer] = _activated(next(layers), layer, self.matching)
            else:
                next(layers)
        return kept


def ppce_on_edges(
    logits_BKHW: Tensor, labels_BHW: Tensor, boundary_BHW: Tensor, *, edge_net: EdgeNet
) -> LossTerm:
    """Cross-entropy between the edges of the predicted mask and the true edges (Eq. 5).

    The paper's "PPCE on edges": the edge net's output is compared, not its embeddings.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255; void pixels weigh nothing.
        boundary_BHW: bool, ``eight_neighbour_boundary`` of the labels.

    Returns:
        The sum over valid pixels, in nats, and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    valid_BHW = labels_BHW != VOID
    prob_BKHW = full_precision(logits_BKHW).softmax(dim=1) * valid_BHW.unsqueeze(1)
    *_, edge_B2HW = edge_net(prob_BKHW)
    log_prob_B2HW = full_precision(edge_B2HW).log_softmax(dim=1)
    hit_BHW = torch.where(boundary_BHW, log_prob_B2HW[:, 1], log_prob_B2HW[:, 0])
    return LossTerm(-hit_BHW.masked_fill(~valid_BHW, 0.0).sum(), valid_BHW.sum())


def _activated(embedding_BCHW: Tensor, layer: int, matching: Matching) -> Tensor:
    if matching == "before_relu":
        return embedding_BCHW
    return embedding_BCHW.softmax(dim=1) if layer == LAYERS - 1 else embedding_BCHW.relu()
