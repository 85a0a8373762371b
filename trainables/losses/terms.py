"""The table of losses: the config field that weighs each one, and how it is computed.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from trainables.config import LossConfig
from trainables.losses.active_boundary import active_boundary
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.batch import Learned
from trainables.losses.batch import Prediction as Prediction  # plug-ins import both from here
from trainables.losses.batch import Target as Target
from trainables.losses.boundary_correlation import boundary_correlation
from trainables.losses.boundary_cross_entropy import boundary_cross_entropy, edge_head_loss
from trainables.losses.cross_entropy import balanced_cross_entropy, cross_entropy, edge_attention
from trainables.losses.full_divergence import full_divergence
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.geodesic import distance_of
from trainables.losses.hausdorff import hausdorff
from trainables.losses.inverse_form import inverse_form
from trainables.losses.kernels.edge_row_bands import EdgeNet
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_softmax
from trainables.losses.rival_terms import RIVAL_TERMS, OfClasses
from trainables.losses.semeda import ppce_on_edges, semeda
from trainables.losses.term import LossTerm

Compute = Callable[[LossConfig, Prediction, Target, Learned], LossTerm]


@dataclass(frozen=True)
class Term:
    """One row of the table."""

    weight: Callable[[LossConfig], float]
    compute: Compute
    rule: str = ""
    """The name of the weight in schedules."""
    head: Callable[[LossConfig], bool] = lambda loss: False
    """Whether the term uses the boundary head."""
    of_segmentation: bool = False
    """Whether ``task/boundary_on`` does not move it to another head."""


def _head_of(prediction: Prediction) -> Tensor:
    assert prediction.boundary_logits_BHW is not None, "the network has no boundary head"
    return prediction.boundary_logits_BHW


def _edge_net(learned: Learned) -> EdgeNet:
    assert learned.edge_net is not None, "no edge network was given"
    return learned.edge_net


def _cross_entropy(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    if config.class_weights == "none":
        return cross_entropy(prediction.logits_BKHW, target.labels_BHW)
    return balanced_cross_entropy(prediction.logits_BKHW, target.labels_BHW, variant=config.variant)


def _boundary_cross_entropy(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    return boundary_cross_entropy(
        _head_of(prediction),
        target.boundary_BHW(config),
        target.boundary_valid_BHW,
        variant=config.variant,
    )


def _inverse_form(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    assert learned.inverse_net is not None, "no inverse-transformation network was given"
    return inverse_form(
        _head_of(prediction),
        target.boundary_BHW(config),
        target.boundary_valid_BHW,
        network=learned.inverse_net,
        tile=config.tile_px(target.labels_BHW.shape[1]),
        tile_reduction=config.tile_reduction,
        variant=config.variant,
        resize=config.resized,
        distance=distance_of(config.distance, config.lambda_geo, config.geodesic),
    )


def _boundary_correlation(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    return boundary_correlation(
        _head_of(prediction),
        target.boundary_BHW(config),
        target.boundary_valid_BHW,
        tile=config.tile_px(target.labels_BHW.shape[1]),
        reach=config.correlation_reach,
        sharpness=config.correlation_sharpness,
    )


def _lovasz(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    return lovasz_softmax(
        prediction.logits_BKHW,
        target.labels_BHW,
        classes=config.lovasz_classes,
        per_image=config.lovasz_per_image,
        variant=config.variant,
    )


def _active_boundary(
    config: LossConfig, prediction: Prediction, target: Target, learned: Learned
) -> LossTerm:
    return active_boundary(
        prediction.logits_BKHW,
        target.labels_BHW,
        theta=config.theta,
        detach=config.detach,
        label_smoothing=config.abl_smoothing,
        max_ratio=config.abl_ratio,
        variant=config.variant,
    )


def _edge(config: LossConfig, prediction: Prediction, target: Target, learned: Learned) -> LossTerm:
    logits_BKHW, labels_BHW = prediction.logits_BKHW, target.labels_BHW
    if config.edge == "multi_task":
        edge_BHW, valid_BHW = target.edge_head_BHW, target.boundary_valid_BHW
        return edge_head_loss(_head_of(prediction), edge_BHW, valid_BHW)
    edge_net = _edge_net(learned)
    if config.edge == "ppce":
        boundary_BHW = target.eight_neighbour_BHW
        return ppce_on_edges(logits_BKHW, labels_BHW, boundary_BHW, edge_net=edge_net)
    return semeda(
        logits_BKHW,
        labels_BHW,
        edge_net=edge_net,
        lambdas=(config.lambda_1, config.lambda_2, config.lambda_3),
        matching=config.edge,
        reduction=config.edge_reduction,
        norm=config.edge_norm,
    )


def _edge_weight(config: LossConfig) -> float:
    """lambda_1 where it is the only one; else 1 or 0, as the lambdas weigh layers in the term."""
    if config.edge in ("ppce", "multi_task"):
        return config.lambda_1
    return float(config.lambda_1 + config.lambda_2 + config.lambda_3 > 0)


def _of_regions(compute: Callable[..., LossTerm]) -> Compute:
    """A loss of the classes' regions, with the fields that these share."""
    return lambda loss, prediction, target, learned: compute(
        prediction.logits_BKHW,
        target.labels_BHW,
        classes=loss.region_classes,
        variant=loss.variant,
    )


def _rival(name: str, compute: OfClasses) -> Term:
    return Term(
        lambda loss: float(getattr(loss, name)),
        lambda loss, prediction, target, learned: compute(
            loss, prediction.logits_BKHW, target.labels_BHW
        ),
        rule=name,
    )


TERMS: dict[str, Term] = {
    "cross_entropy": Term(lambda loss: loss.xe, _cross_entropy, of_segmentation=True),
    "boundary_cross_entropy": Term(
        lambda loss: loss.beta, _boundary_cross_entropy, rule="beta", head=lambda loss: True
    ),
    "inverse_form": Term(
        lambda loss: loss.gamma, _inverse_form, rule="gamma", head=lambda loss: True
    ),
    "boundary_correlation": Term(
        lambda loss: loss.correlation,
        _boundary_correlation,
        rule="correlation",
        head=lambda loss: True,
    ),
    "edge_attention": Term(
        lambda loss: loss.edge_attention,
        lambda loss, prediction, target, learned: edge_attention(
            prediction.logits_BKHW,
            target.labels_BHW,
            _head_of(prediction),
            confident_on=loss.edge_attention_on,
            variant=loss.variant,
        ),
        rule="edge_attention",
        head=lambda loss: True,
        of_segmentation=True,
    ),
    "lovasz": Term(lambda loss: loss.lovasz, _lovasz, rule="lovasz"),
    "active_boundary": Term(lambda loss: loss.w_a, _active_boundary, rule="w_a"),
    "full_divergence": Term(
        lambda loss: loss.fkl,
        lambda loss, prediction, target, learned: full_divergence(
            prediction.logits_BKHW, target.labels_BHW
        ),
        rule="fkl",
    ),
    "generalised_dice": Term(lambda loss: loss.gdl, _of_regions(generalised_dice), rule="gdl"),
    "boundary_loss": Term(lambda loss: loss.bl, _of_regions(boundary_loss), rule="bl"),
    "hausdorff": Term(
        lambda loss: loss.hausdorff,
        lambda loss, prediction, target, learned: hausdorff(
            prediction.logits_BKHW, target.labels_BHW, classes=loss.region_classes
        ),
        rule="hausdorff",
    ),
    "edge": Term(_edge_weight, _edge, rule="edge", head=lambda loss: loss.edge == "multi_task"),
    "affinity_regression": Term(
        lambda loss: loss.ar,
        lambda loss, prediction, target, learned: affinity_regression(
            prediction.logits_BKHW,
            target.labels_BHW,
            kernel=loss.ar_kernel,
            sampling=loss.ar_sampling,
        ),
        rule="ar",
    ),
    **{name: _rival(name, compute) for name, compute in RIVAL_TERMS.items()},
}
"""The loss of a trial is the weighted sum of these; a term of weight zero is not computed."""
