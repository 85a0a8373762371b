"""Every loss in its default reading, as a function of class logits and labels alone."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables.losses.rival_cases import RELEASED_RIVALS, RIVALS
from trainables.geometry.boundaries import VOID, Variant, eight_neighbour_boundary, sobel_boundary
from trainables.losses.active_boundary import active_boundary
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.boundary_correlation import boundary_correlation
from trainables.losses.boundary_cross_entropy import (
    boundary_cross_entropy,
    edge_head_loss,
    fixed_balance_cross_entropy,
)
from trainables.losses.cross_entropy import balanced_cross_entropy, cross_entropy
from trainables.losses.full_divergence import full_divergence
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.hausdorff import hausdorff
from trainables.losses.inverse_form import inverse_form
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_hinge, lovasz_softmax
from trainables.losses.semeda import ppce_on_edges, semeda
from trainables.losses.term import LossTerm

Loss = Callable[[Tensor, Tensor], LossTerm]


def edge_net(prob_BKHW: Tensor) -> list[Tensor]:
    """Three 3x3 convolutions with fixed weights, that treat all classes alike."""
    embeddings: list[Tensor] = []
    features = prob_BKHW
    for channels in (4, 3, 2):
        size = (channels, features.shape[1], 3, 3)
        if not embeddings:
            features, size = prob_BKHW.square().sum(dim=1, keepdim=True), (channels, 1, 3, 3)
        numbers = torch.arange(torch.Size(size).numel(), device=prob_BKHW.device)
        weight = torch.sin(numbers.to(features.dtype) + 1).view(size)
        embeddings.append(F.conv2d(features, weight, padding=1))
        features = embeddings[-1].relu()
    return embeddings


def inverse_net(predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
    """Two coefficients of each pair of tiles, linear in both."""
    place = torch.arange(predicted_NSS.shape[1:].numel(), device=predicted_NSS.device)
    weight_P = torch.cos(place.to(predicted_NSS.dtype))
    difference_NP = (predicted_NSS - 2 * true_NSS).flatten(1)
    return torch.stack((difference_NP @ weight_P, difference_NP.sum(dim=1)), dim=1)


def _boundary_maps(labels: Tensor) -> tuple[Tensor, Tensor]:
    return sobel_boundary(labels, 8), labels != VOID


def _inverse_form(logits: Tensor, labels: Tensor) -> LossTerm:
    tile = min(4, *labels.shape[1:])
    maps = _boundary_maps(labels)
    return inverse_form(logits.sum(dim=1), *maps, network=inverse_net, tile=tile)


def _correlation(logits: Tensor, labels: Tensor) -> LossTerm:
    tile = min(4, *labels.shape[1:])
    maps = _boundary_maps(labels)
    return boundary_correlation(logits.sum(dim=1), *maps, tile=tile, reach=min(2, tile - 1))


def _hinge(
    logits: Tensor, labels: Tensor, *, per_image: bool = True, variant: Variant = "paper"
) -> LossTerm:
    binary = torch.where(labels == VOID, VOID, labels % 2)
    return lovasz_hinge(logits.sum(dim=1), binary, per_image=per_image, variant=variant)


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "smoothed": lambda x, y: cross_entropy(x, y, label_smoothing=0.1),
    "balanced": balanced_cross_entropy,
    "lovasz": lovasz_softmax,
    "lovasz_all": lambda x, y: lovasz_softmax(x, y, classes="all"),
    "lovasz_list": lambda x, y: lovasz_softmax(x, y, classes=[0, 2]),
    "hinge": _hinge,
    "dice": generalised_dice,
    "boundary_cross_entropy": lambda x, y: boundary_cross_entropy(x.sum(1), *_boundary_maps(y)),
    "fixed_balance": lambda x, y: fixed_balance_cross_entropy(x.sum(1), *_boundary_maps(y)),
    "inverse_form": _inverse_form,
    "boundary_correlation": _correlation,
    "abl": lambda x, y: active_boundary(x, y, max_ratio=0.2),
    "abl_attached": lambda x, y: active_boundary(x, y, max_ratio=0.2, detach=False),
    "fkl": full_divergence,
    "boundary_loss": boundary_loss,
    "boundary_loss_foreground": lambda x, y: boundary_loss(x, y, classes="foreground"),
    "hausdorff": hausdorff,
    "semeda": lambda x, y: semeda(x, y, edge_net=edge_net, lambdas=(1.0, 0.5, 0.25)),
    "semeda_after_relu": lambda x, y: semeda(
        x, y, edge_net=edge_net, lambdas=(1.0, 0.5, 0.25), matching="after_relu"
    ),
    "ppce": lambda x, y: ppce_on_edges(x, y, eight_neighbour_boundary(y), edge_net=edge_net),
    "edge_head": lambda x, y: edge_head_loss(x.sum(1), eight_neighbour_boundary(y), y != VOID),
    "ar": affinity_regression,
    "ar_dot_product": lambda x, y: affinity_regression(x, y, kernel="dot_product"),
    "ar_average": lambda x, y: affinity_regression(x, y, sampling="average"),
    **RIVALS,
}
RELEASED: dict[str, Loss] = {
    "abl": lambda x, y: active_boundary(x, y, variant="released"),
    "balanced": lambda x, y: balanced_cross_entropy(x, y, variant="released"),
    "dice": lambda x, y: generalised_dice(x, y, variant="released"),
    "hinge": lambda x, y: _hinge(x, y, variant="released"),
    "hinge_together": lambda x, y: _hinge(x, y, per_image=False),
    "lovasz_together": lambda x, y: lovasz_softmax(x, y, per_image=False, variant="released"),
    "boundary_loss": lambda x, y: boundary_loss(x, y, variant="released"),
    **RELEASED_RIVALS,
}
"""Other readings of some losses."""
DETACHED = ("abl",)
"""Losses whose gradient is, by design, not the derivative of their value."""
NUMBERED = ("hinge", "lovasz_list", "boundary_loss_foreground", "unified_focal")
"""Losses that treat particular classes specially, so that class numbers matter."""
