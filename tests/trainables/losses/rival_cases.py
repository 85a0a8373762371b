"""The losses beside those of the four papers, for the tests that every loss must pass."""

from collections.abc import Callable

from torch import Tensor

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

RIVALS: dict[str, Callable[[Tensor, Tensor], LossTerm]] = {
    "dice_loss": dice_loss,
    "focal_tversky": lambda x, y: tversky_loss(x, y, power=0.75),
    "jaccard": jaccard_metric_loss,
    "soft_jaccard": lambda x, y: jaccard_metric_loss(x, y, label_smoothing=0.2),
    "boundary_dou": boundary_dou_loss,
    "soft_cldice": lambda x, y: soft_cldice(x, y, iterations=2),
    "focal": focal_loss,
    "focal_sigmoid": lambda x, y: focal_loss(x, y, form="sigmoid", alpha=0.25),
    "unified_focal": multiclass_unified_focal,
    "ohem": lambda x, y: ohem_cross_entropy(x, y, threshold=0.3),
    "scnp": scnp,
    "margin_smoothing": lambda x, y: margin_smoothing(x, y, margin=1.0),
    "l1_ace": l1_ace,
    "l1_ace_soft": lambda x, y: l1_ace(x, y, bins=5, binning="soft"),
    "affinity_field": affinity_field,
    "rmi": lambda x, y: rmi(x, y, downsampling=1),
    "rmi_smaller": lambda x, y: rmi(x, y, form="added", pool="max", downsampling=2),
    "dual_task": lambda x, y: dual_task(x, y, sigma=0.6),
}
RELEASED_RIVALS: dict[str, Callable[[Tensor, Tensor], LossTerm]] = {
    "dice_together": lambda x, y: dice_loss(
        x, y, per_image=False, squared=True, variant="released"
    ),
    "jaccard_together": lambda x, y: jaccard_metric_loss(
        x, y, average="dataset", variant="released"
    ),
    "jaccard_of_class": lambda x, y: jaccard_metric_loss(x, y, average="class"),
    "boundary_dou": lambda x, y: boundary_dou_loss(x, y, variant="released"),
    "soft_cldice": lambda x, y: soft_cldice(x, y, variant="released"),
    "ohem": lambda x, y: ohem_cross_entropy(x, y, kept=5, variant="released"),
    "scnp": lambda x, y: scnp(x, y, variant="released"),
    "affinity_field": lambda x, y: affinity_field(x, y, variant="released"),
    "rmi": lambda x, y: rmi(x, y, pool="resize", downsampling=2, variant="released"),
    "dual_task": lambda x, y: dual_task(x, y, variant="released"),
}
BY_HAND_RIVALS = (
    *("dice_loss", "focal_tversky", "jaccard", "boundary_dou", "focal_sigmoid", "unified_focal"),
    *("soft_cldice", "scnp", "margin_smoothing", "l1_ace", "l1_ace_soft", "affinity_field"),
    *("rmi", "rmi_smaller"),
)
"""Those that compute their gradient along with their value."""
