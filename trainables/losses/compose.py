"""From loss terms to the one number that is differentiated: weigh, all-reduce counts, divide once.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from trainables.config import LossConfig
from trainables.geometry.boundaries import VOID, sobel_boundary
from trainables.losses.boundary_cross_entropy import boundary_cross_entropy
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.geodesic import distance_of
from trainables.losses.inverse_form import TransformationNet, inverse_form
from trainables.losses.term import LossTerm

EdgeNet = Callable[[Tensor], Sequence[Tensor]]
"""A frozen edge detector: (B,K,H,W) class probabilities -> what each of its three layers puts out
before activation, (B,C,H,W)."""


class Prediction(NamedTuple):
    """What the network says of a batch."""

    logits_BKHW: Tensor
    boundary_logits_BHW: Tensor | None
    """None where the network has no boundary head."""


@dataclass(frozen=True)
class Target:
    """What is true of a batch. Maps that only some losses need are made when first asked for."""

    labels_BHW: Tensor
    num_classes: int

    @cached_property
    def valid_BHW(self) -> Tensor:
        return self.labels_BHW != VOID

    @cached_property
    def sobel_BHW(self) -> Tensor:
        return sobel_boundary(self.labels_BHW, self.num_classes)


class Learned(NamedTuple):
    """The frozen networks that losses look through; None where no term needs one."""

    inverse_net: TransformationNet | None = None
    edge_net: EdgeNet | None = None


@dataclass(frozen=True)
class Term:
    """One row of the table: which config field weighs the loss, and how to call it."""

    weight: Callable[[LossConfig], float]
    compute: Callable[[LossConfig, Prediction, Target, Learned], LossTerm]
    boundary_head: bool = False


def _boundary(prediction: Prediction) -> Tensor:
    assert prediction.boundary_logits_BHW is not None, "the network has no boundary head"
    return prediction.boundary_logits_BHW


def _inverse_form(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    assert learned.inverse_net is not None, "no inverse-transformation network was given"
    return inverse_form(
        _boundary(prediction),
        target.sobel_BHW,
        target.valid_BHW,
        network=learned.inverse_net,
        tile=config.tile,
        tile_reduction=config.tile_reduction,
        distance=distance_of(config.distance, config.lambda_geo),
    )


TERMS: dict[str, Term] = {
    "cross_entropy": Term(
        weight=lambda loss: 1.0,
        compute=lambda loss, prediction, target, learned: cross_entropy(
            prediction.logits_BKHW, target.labels_BHW
        ),
    ),
    "boundary_cross_entropy": Term(
        weight=lambda loss: loss.beta,
        compute=lambda loss, prediction, target, learned: boundary_cross_entropy(
            _boundary(prediction), target.sobel_BHW, target.valid_BHW
        ),
        boundary_head=True,
    ),
    "inverse_form": Term(weight=lambda loss: loss.gamma, compute=_inverse_form, boundary_head=True),
}
"""The loss of a trial is the weighted sum of these; a term of weight zero is not computed."""


def active_weights(config: LossConfig) -> dict[str, float]:
    """The terms that a trial computes, with their weights."""
    weights = {name: term.weight(config) for name, term in TERMS.items()}
    return {name: weight for name, weight in weights.items() if weight > 0}


def needs_boundary_head(config: LossConfig) -> bool:
    """Whether any active term looks at the boundary head; without one it is not built."""
    return any(TERMS[name].boundary_head for name in active_weights(config))


def needs_inverse_net(config: LossConfig) -> bool:
    """Whether a term looks through an inverse-transformation network."""
    return "inverse_form" in active_weights(config)


def needs_edge_net(config: LossConfig) -> bool:
    """Whether a term looks through SEMEDA's edge network."""
    return config.lambda_1 + config.lambda_2 + config.lambda_3 > 0 and config.edge != "multi_task"


def loss_terms(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> dict[str, LossTerm]:
    """Every active term of this rank's images."""
    return {
        name: TERMS[name].compute(config, prediction, target, learned)
        for name in active_weights(config)
    }


def combine(
    terms: Mapping[str, LossTerm], weights: Mapping[str, float]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The number to differentiate on this rank, and each term's share of the global value.

    The counts are summed over all ranks before the one division. DistributedDataParallel averages
    gradients over ranks; the number of ranks as a factor turns that average back into the sum,
    which is the gradient that one rank with all the images would have.

    Returns:
        The objective, and for each term ``total / global count`` (detached): summed over the
        ranks these are the loss values of the whole batch.
    """
    ranks = dist.get_world_size() if dist.is_initialized() else 1
    names = sorted(terms)
    counts = torch.stack([terms[name].count.detach().double() for name in names])
    if ranks > 1:
        dist.all_reduce(counts)
    shares = {
        name: terms[name].total / count.clamp(min=1).to(terms[name].total.dtype)
        for name, count in zip(names, counts, strict=True)
    }
    objective = torch.stack([weights[name] * shares[name] for name in names]).sum()
    return ranks * objective, {name: share.detach() for name, share in shares.items()}
