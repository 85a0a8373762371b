"""SEMEDA (Chen, Dapogny and Cord): match predicted and true masks inside an edge detector.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.term import LossTerm

EdgeNet = Callable[[Tensor, int], Sequence[Tensor]]
"""A frozen edge detector: ((B,K,H,W) class probabilities, n) -> what its first n layers put out
before activation, each (B,C,H,W); the last of three has C = 2, "no edge" and "edge"."""

LAYERS = 3


def semeda(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    edge_net: EdgeNet,
    lambdas: tuple[float, float, float] = (0.0, 1.0, 0.0),
    matching: Literal["before_relu", "after_relu"] = "before_relu",
) -> LossTerm:
    """Sum over layers of lambda_l |psi_l(predicted) - psi_l(true)|, L1 over channels (Eq. 6).

    The paper found (0, 1, 0) before the ReLU best (Table 1). "after_relu" matches what the next
    layer sees, and the softmax of the last layer. Layers beyond the last with a weight are not
    computed. Void pixels are blank (all zero) for the edge net in both masks, and not matched
    themselves.

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
    valid_BHW = labels_BHW != VOID
    deepest = max((layer for layer in range(LAYERS) if lambdas[layer] > 0), default=-1) + 1
    predicted = edge_net(_blanked(logits_BKHW, valid_BHW), deepest) if deepest else ()
    with torch.no_grad():
        truth_BKHW = one_hot(labels_BHW, logits_BKHW.shape[1]).to(logits_BKHW.dtype)
        true = edge_net(truth_BKHW, deepest) if deepest else ()
    total = (logits_BKHW * 0.0).sum() if not deepest else torch.zeros((), device=labels_BHW.device)
    for layer in range(deepest):
        if lambdas[layer] > 0:
            activate = _activation(layer, matching)
            distance = _l1(activate(predicted[layer]), activate(true[layer]), valid_BHW)
            total = total + lambdas[layer] * distance
    return LossTerm(total, valid_BHW.sum())


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
    edge_B2HW = edge_net(_blanked(logits_BKHW, valid_BHW), LAYERS)[LAYERS - 1]
    log_prob_B2HW = full_precision(edge_B2HW).log_softmax(dim=1)
    hit_BHW = torch.where(boundary_BHW, log_prob_B2HW[:, 1], log_prob_B2HW[:, 0])
    return LossTerm(-hit_BHW.masked_fill(~valid_BHW, 0.0).sum(), valid_BHW.sum())


def _blanked(logits_BKHW: Tensor, valid_BHW: Tensor) -> Tensor:
    return full_precision(logits_BKHW).softmax(dim=1) * valid_BHW.unsqueeze(1)


def _activation(layer: int, matching: str) -> Callable[[Tensor], Tensor]:
    if matching == "before_relu":
        return lambda embedding: embedding
    if layer == LAYERS - 1:
        return lambda embedding: embedding.softmax(dim=1)
    return torch.relu


def _l1(predicted_BCHW: Tensor, true_BCHW: Tensor, valid_BHW: Tensor) -> Tensor:
    difference_BCHW = full_precision(predicted_BCHW) - full_precision(true_BCHW)
    return difference_BCHW.masked_fill_(~valid_BHW.unsqueeze(1), 0.0).abs().sum()
