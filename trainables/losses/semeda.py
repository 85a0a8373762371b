"""SEMEDA (Chen, Dapogny and Cord): match predicted and true masks inside an edge network.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections import deque
from typing import Literal

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, one_hot
from trainables.losses.inputs import check_inputs, check_map, full_precision
from trainables.losses.kernels.edge_row_bands import Band, EdgeNet, layers_of, value_and_gradient
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.term import LossTerm

LAYERS = 3

Matching = Literal["before_relu", "after_relu"]
Norm = Literal["l1", "l2"]
Reduction = Literal["sum", "mean"]


def semeda(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    edge_net: EdgeNet,
    lambdas: tuple[float, float, float] = (0.0, 1.0, 0.0),
    matching: Matching = "before_relu",
    reduction: Reduction = "sum",
    norm: Norm = "l1",
) -> LossTerm:
    """Sum over layers of lambda_l |psi_l(predicted) - psi_l(true)|, L1 over channels (Eq. 6).

    The layers have 16, 32 and 2 channels, so that with the printed sum lambda = 1 weighs the second
    layer many times more than the cross-entropy. "mean" averages over a layer's channels instead.
    The paper found (0, 1, 0) before the ReLU best (Table 1). "after_relu" matches the inputs of the
    next layer, and the softmax of the last layer. Void pixels are blank (all zero) in both masks,
    and are not matched themselves.

    Args:
        logits_BKHW: float; their softmax is the input of the edge net.
        labels_BHW: int64, 0..K-1 or 255; the edge net sees them one-hot.
        lambdas: lambda_1, lambda_2, lambda_3, each >= 0 and finite.
        reduction: over the channels of a layer; Eq. 6 has the sum.
        norm: "l1" is |d|, "l2" is d squared (4.3: "L1 or L2").

    Returns:
        The sum over valid pixels, and their number: the paper's sum, as a mean over pixels.
    """
    check_inputs(logits_BKHW, labels_BHW)
    valid = len(lambdas) == LAYERS and all(0 <= weight < float("inf") for weight in lambdas)
    require(valid, "lambdas", "three finite numbers >= 0", lambdas)
    logits_BKHW = full_precision(logits_BKHW)
    count = (labels_BHW != VOID).sum()
    if not any(lambdas):
        # Zero, but with a gradient, so that backward() works as for every other term.
        return LossTerm((logits_BKHW * 0).sum(), count)

    def embed(prob_1KHW: Tensor) -> list[Tensor]:
        return _embeddings(edge_net, prob_1KHW, lambdas, matching)

    def compare(band: Band, predicted: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        truth_1KHW = one_hot(labels_BHW[band.image, band.read], logits_BKHW.shape[1]).to(
            logits_BKHW.dtype, memory_format=torch.channels_last
        )
        true = embed(truth_1KHW)
        part, slopes = logits_BKHW.new_zeros(()), []
        for weight in filter(None, lambdas):
            difference_1CHW = true.pop(0).sub_(predicted.pop(0)).mul_(band.kept_11HW)
            if reduction == "mean":
                weight /= difference_1CHW.shape[1]
            distance, slope_1CHW = _measured(difference_1CHW, norm, part.dtype)
            part += weight * distance
            slopes.append(slope_1CHW.mul_(-weight))
        return part, slopes

    total, gradient_BKHW = value_and_gradient(logits_BKHW, labels_BHW, edge_net, embed, compare)
    return LossTerm(with_known_gradient(logits_BKHW, total, gradient_BKHW), count)


def _measured(difference_1CHW: Tensor, norm: Norm, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The summed distance, and its derivative by the difference, in the difference's own buffer."""
    if norm == "l1":
        distance = torch.linalg.vector_norm(difference_1CHW, 1, dtype=dtype)
        return distance, difference_1CHW.sign_()
    distance = torch.linalg.vector_norm(difference_1CHW, 2, dtype=dtype).square()
    return distance, difference_1CHW.mul_(2)


def _embeddings(
    edge_net: EdgeNet, prob_1KHW: Tensor, lambdas: tuple[float, float, float], matching: Matching
) -> list[Tensor]:
    """The layers with a weight; the others are freed, and those after the last are not computed."""
    depth = max(layer for layer in range(LAYERS) if lambdas[layer] > 0) + 1
    layers = layers_of(edge_net, prob_1KHW)
    kept = []
    for layer in range(depth):
        if lambdas[layer] > 0:
            kept.append(_activated(next(layers), layer, matching))
        else:
            next(layers)
    return kept


def ppce_on_edges(
    logits_BKHW: Tensor, labels_BHW: Tensor, boundary_BHW: Tensor, *, edge_net: EdgeNet
) -> LossTerm:
    """Cross-entropy between the edges of the predicted mask and the true edges (Eq. 5).

    The paper's "PPCE on edges", which compares the edge net's output and not its embeddings.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255; void pixels have no weight.
        boundary_BHW: bool, ``eight_neighbour_boundary`` of the labels.

    Returns:
        The sum over valid pixels, in nats, and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    check_map("boundary_BHW", boundary_BHW, torch.bool, tuple(labels_BHW.shape))
    logits_BKHW = full_precision(logits_BKHW)

    def embed(prob_1KHW: Tensor) -> list[Tensor]:
        return list(deque(layers_of(edge_net, prob_1KHW), maxlen=1))

    def compare(band: Band, predicted: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        log_prob_12HW = full_precision(predicted[0]).log_softmax(dim=1)
        edge_1HW = boundary_BHW[band.image, band.read]
        true_12HW = torch.stack((~edge_1HW, edge_1HW), dim=1) & band.kept_11HW
        slope_12HW = (log_prob_12HW.exp() - true_12HW.to(log_prob_12HW.dtype)) * band.kept_11HW
        part = -log_prob_12HW.masked_fill(~true_12HW, 0.0).sum()
        return part, [slope_12HW.to(predicted[0].dtype)]

    total, gradient_BKHW = value_and_gradient(logits_BKHW, labels_BHW, edge_net, embed, compare)
    count = (labels_BHW != VOID).sum()
    return LossTerm(with_known_gradient(logits_BKHW, total, gradient_BKHW), count)


def _activated(embedding_BCHW: Tensor, layer: int, matching: Matching) -> Tensor:
    if matching == "before_relu":
        return embedding_BCHW
    return embedding_BCHW.softmax(dim=1) if layer == LAYERS - 1 else embedding_BCHW.relu()
