"""The losses beside those of the four papers, as terms: how each reads the config.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from trainables.config import LossConfig
from trainables.losses.affinity_field import affinity_field
from trainables.losses.boundary_dou import boundary_dou_loss
from trainables.losses.calibration import l1_ace
from trainables.losses.dual_task import dual_task
from trainables.losses.focal import focal_loss
from trainables.losses.hard_pixels import ohem_cross_entropy
from trainables.losses.jaccard import jaccard_metric_loss
from trainables.losses.margin_smoothing import margin_smoothing
from trainables.losses.overlap import dice_loss, tversky_loss
from trainables.losses.rmi import rmi
from trainables.losses.scnp import scnp
from trainables.losses.soft_cldice import soft_cldice
from trainables.losses.term import LossTerm
from trainables.losses.unified_focal import multiclass_unified_focal


class OfClasses(Protocol):
    """A loss of class scores with the settings of a config."""

    def __call__(self, c: LossConfig, logits_BKHW: Tensor, labels_BHW: Tensor, /) -> LossTerm: ...


RIVAL_TERMS: Mapping[str, OfClasses] = {
    "dice_loss": lambda c, x, y: dice_loss(
        x,
        y,
        squared=c.dice_loss_squared,
        per_image=c.overlap_per_image,
        classes=c.region_classes,
        variant=c.variant,
    ),
    "tversky_loss": lambda c, x, y: tversky_loss(
        x,
        y,
        alpha=c.tversky_loss_alpha,
        beta=c.tversky_loss_beta,
        power=c.tversky_loss_power,
        per_image=c.overlap_per_image,
        classes=c.region_classes,
        variant=c.variant,
    ),
    "jaccard_metric_loss": lambda c, x, y: jaccard_metric_loss(
        x,
        y,
        average=c.jaccard_metric_loss_average,
        label_smoothing=c.jaccard_metric_loss_smoothing,
        classes=c.region_classes,
        variant=c.variant,
    ),
    "boundary_dou_loss": lambda c, x, y: boundary_dou_loss(
        x, y, classes=c.region_classes, variant=c.variant
    ),
    "soft_cldice": lambda c, x, y: soft_cldice(
        x,
        y,
        iterations=c.soft_cldice_iterations,
        classes=c.region_classes,
        variant=c.variant,
    ),
    "focal_loss": lambda c, x, y: focal_loss(
        x,
        y,
        gamma=c.focal_loss_gamma,
        form=c.focal_loss_form,
        alpha=c.focal_loss_alpha,
        variant=c.variant,
    ),
    "multiclass_unified_focal": lambda c, x, y: multiclass_unified_focal(
        x,
        y,
        share=c.multiclass_unified_focal_share,
        delta=c.multiclass_unified_focal_delta,
        gamma=c.multiclass_unified_focal_gamma,
        form=c.multiclass_unified_focal_form,
        variant=c.variant,
    ),
    "ohem_cross_entropy": lambda c, x, y: ohem_cross_entropy(
        x,
        y,
        threshold=c.ohem_cross_entropy_threshold,
        share=c.ohem_cross_entropy_share,
        kept=c.ohem_cross_entropy_kept,
        variant=c.variant,
    ),
    "scnp": lambda c, x, y: scnp(x, y, size=c.scnp_size, variant=c.variant),
    "margin_smoothing": lambda c, x, y: margin_smoothing(
        x, y, margin=c.margin_smoothing_margin, variant=c.variant
    ),
    "l1_ace": lambda c, x, y: l1_ace(
        x,
        y,
        bins=c.l1_ace_bins,
        binning=c.l1_ace_binning,
        classes=c.region_classes,
        variant=c.variant,
    ),
    "affinity_field": lambda c, x, y: affinity_field(
        x,
        y,
        distance=c.affinity_field_distance,
        margin=c.affinity_field_margin,
        variant=c.variant,
    ),
    "rmi": lambda c, x, y: rmi(
        x,
        y,
        share=c.rmi_share,
        form=c.rmi_form,
        pool=c.rmi_pool,
        downsampling=c.rmi_downsampling,
        variant=c.variant,
    ),
    "dual_task": lambda c, x, y: dual_task(x, y, sigma=c.dual_task_sigma, variant=c.variant),
}
"""By term, which is also the field of its weight and its rule in schedules."""
