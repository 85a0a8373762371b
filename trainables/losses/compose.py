"""From loss terms to the objective: weigh them, sum their counts over ranks, divide once.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor

from trainables.config import LossConfig, require
from trainables.config.schedule import Constant, Gain, Linear, Lose, Schedule, parse_schedules
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.term import LossTerm
from trainables.losses.terms import TERMS, Term

__all__ = [
    "TERMS",
    "Learned",
    "Prediction",
    "Target",
    "Term",
    "active_weights",
    "combine",
    "ever_active",
    "loss_terms",
    "measured_terms",
    "needs_boundary_head",
    "needs_edge_net",
    "needs_inverse_net",
    "schedules_of",
]

_LAST_ALPHA = 0.01
_STEALS = 100


def active_weights(config: LossConfig, progress: float = 0.0) -> dict[str, float]:
    """The terms that are active at this point of the training, with their weights.

    Args:
        config: weights and schedules.
        progress: the fraction of optimiser steps that are done, in [0, 1].

    Raises:
        ValueError: if ``progress`` is not in [0, 1].
    """
    require(0 <= progress <= 1, "progress", "in [0, 1]", progress)
    schedules = schedules_of(config)
    weights = {
        name: term.weight(config) * schedules.get(term.rule, Constant()).factor(progress)
        for name, term in TERMS.items()
    }
    return {name: weight for name, weight in weights.items() if weight > 0}


def schedules_of(config: LossConfig) -> dict[str, Schedule]:
    """The rules of the config; with alpha, alpha GDL + (1 - alpha) (BL or ABL) as in Kervadec."""
    rules = parse_schedules(config.schedule)
    if config.alpha == "linear":
        rising = Linear(0.0, 1 - _LAST_ALPHA)
        rules |= {"gdl": Linear(1.0, _LAST_ALPHA), "bl": rising, "w_a": rising}
    elif config.alpha == "stealing":
        rules |= {"gdl": Lose(_STEALS), "bl": Gain(_STEALS), "w_a": Gain(_STEALS)}
    return rules


def ever_active(config: LossConfig) -> list[str]:
    """The terms that are active at some point of the training."""
    schedules = schedules_of(config)
    return [
        name
        for name, term in TERMS.items()
        if term.weight(config) > 0 and schedules.get(term.rule, Constant()).ever()
    ]


_OF_STAGES = ("inverse_form", "edge")
"""Terms that look through a network that is trained before."""


def measured_terms(config: LossConfig, requested: str) -> list[str]:
    """The terms that validation measures: those that are trained, and the requested ones.

    Cross-entropy without class weights is not among the trained ones: it is ``val/loss``.

    Args:
        config: of the trial's loss.
        requested: ``eval/terms``.

    Raises:
        ValueError: an unknown name, or a term whose head or stage the trial does not have.
    """
    if requested == "none":
        return []
    trained, known = ever_active(config), "cross_entropy"
    kept = [name for name in trained if name != known or config.class_weights != "none"]
    names = [name.strip() for name in requested.split(",") if name.strip()]
    for name in names:
        require(name in TERMS, "eval/terms", f"none, or of {', '.join(TERMS)}", name)
        bare = name not in _OF_STAGES and not TERMS[name].head(config)
        require(name in trained or bare, "eval/terms", "a term that every trial can measure", name)
    return list(dict.fromkeys([*kept, *names]))


def needs_boundary_head(config: LossConfig) -> bool:
    """Whether a term ever uses the boundary head, which is built only then."""
    return any(TERMS[name].head(config) for name in ever_active(config))


def needs_inverse_net(config: LossConfig) -> bool:
    """Whether a term ever uses an inverse-transformation network."""
    return "inverse_form" in ever_active(config)


def needs_edge_net(config: LossConfig) -> bool:
    """Whether a term ever uses SEMEDA's edge network."""
    return "edge" in ever_active(config) and config.edge != "multi_task"


def loss_terms(
    config: LossConfig,
    prediction: Prediction,
    target: Target,
    learned: Learned,
    *,
    progress: float = 0.0,
    names: Iterable[str] | None = None,
    boundary_on: Literal["semseg", "edge"] = "semseg",
) -> dict[str, LossTerm]:
    """The terms that are active at this point of the training, over this rank's images.

    Args:
        names: these terms instead.
        boundary_on: which head the losses of classes see, as ``task/boundary_on``.
    """
    names = active_weights(config, progress) if names is None else names
    given = prediction, target
    moved = (prediction.of_edges(), target.of_edges()) if boundary_on == "edge" else given
    return {
        name: TERMS[name].compute(
            config, *(given if TERMS[name].of_segmentation else moved), learned
        )
        for name in names
    }


def combine(
    terms: Mapping[str, LossTerm], weights: Mapping[str, float | Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """This rank's objective, and each term's share of the value over all ranks.

    Counts are summed over all ranks before the one division. DistributedDataParallel averages
    gradients over ranks; multiplying by the number of ranks turns that average back into the sum,
    which is the gradient that a single rank with all the images would have.

    Args:
        terms: by name, over this rank's images.
        weights: by name, of at least these terms; a tensor, which may be learnt, is a scalar.

    Returns:
        The objective, and for each term ``total / global count`` (detached): summed over the
        ranks these are the loss values of the whole batch.

    Raises:
        ValueError: there are no terms, because schedules have turned all of them off.
    """
    if not terms:
        raise ValueError("terms must hold a loss; the weights and schedules leave none")
    ranks = dist.get_world_size() if dist.is_initialized() else 1
    names = sorted(terms)  # the same order on every rank, for the all-reduce
    # double: float32 cannot count above 2**24 pixels.
    counts = torch.stack([terms[name].count.detach().double() for name in names])
    if ranks > 1:
        dist.all_reduce(counts)
    counts = torch.where(counts > 0, counts, 1.0)  # the total is zero then
    shares = {
        name: terms[name].total / count.to(terms[name].total.dtype)
        for name, count in zip(names, counts, strict=True)
    }
    objective = torch.stack([weights[name] * shares[name] for name in names]).sum()
    return ranks * objective, {name: share.detach() for name, share in shares.items()}
