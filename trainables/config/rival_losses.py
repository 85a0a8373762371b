"""Weights and settings of the losses beside those of the four papers, as fields of ``loss/``.

Each weight has the name of its function in ``trainables/losses``; a setting begins with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Literal

from trainables.config.plugin_fields import Value
from trainables.config.validation import require

RIVALS = (
    *("dice_loss", "tversky_loss", "jaccard_metric_loss", "boundary_dou_loss", "soft_cldice"),
    *("focal_loss", "multiclass_unified_focal", "ohem_cross_entropy", "scnp"),
    *("margin_smoothing", "l1_ace", "affinity_field", "rmi", "dual_task"),
)
"""The weights; each is also the name of a term, and of its rule in schedules."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RivalLosses:
    """A weight of zero turns a loss off; docs/rival_losses.md has their formulas."""

    dice_loss: float = 0.0
    """Weight of the Dice loss (Drozdzal et al., 2016; Milletari et al., 3DV 2016)."""

    dice_loss_squared: bool = False
    """V-Net's denominator, of squares."""

    tversky_loss: float = 0.0
    """Weight of the Tversky loss (Salehi et al., MLMI 2017)."""

    tversky_loss_alpha: float = 0.3
    """Of false positives."""

    tversky_loss_beta: float = 0.7
    """Of false negatives."""

    tversky_loss_power: float = 1.0
    """Exponent of a class's loss; 0.75 is focal Tversky (Abraham and Khan, ISBI 2019)."""

    overlap_per_image: bool = True
    """Dice and Tversky of each image; otherwise of the batch's sums, on which they then depend."""

    jaccard_metric_loss: float = 0.0
    """Weight of the Jaccard metric loss (Wang et al., NeurIPS 2023)."""

    jaccard_metric_loss_average: Literal["image", "class", "dataset"] = "image"
    """Of classes within images; of images within classes, or of the batch's sums (released)."""

    jaccard_metric_loss_smoothing: float = 0.0
    """Label smoothing of its labels."""

    boundary_dou_loss: float = 0.0
    """Weight of the boundary difference over union loss (Sun et al., MICCAI 2023)."""

    soft_cldice: float = 0.0
    """Weight of soft clDice (Shit et al., CVPR 2021); the paper adds it to ``dice_loss``."""

    soft_cldice_iterations: int = 3
    """The widest radius that is thinned to a line, in pixels."""

    focal_loss: float = 0.0
    """Weight of the focal loss (Lin et al., ICCV 2017); with ``xe`` 0 it stands for it."""

    focal_loss_gamma: float = 2.0
    """Power of 1 - p; 0 is cross-entropy."""

    focal_loss_form: Literal["softmax", "sigmoid"] = "softmax"
    """Of a pixel's one label, or of each class against the rest, as in the paper."""

    focal_loss_alpha: float = 0.0
    """Weight of the class against the rest, 1 - alpha; 0: none. With ``sigmoid`` only."""

    multiclass_unified_focal: float = 0.0
    """Weight of the unified focal loss (Yeung et al., 2022); ours for more than two classes."""

    multiclass_unified_focal_share: float = 0.5
    """Of its Tversky part (lambda there)."""

    multiclass_unified_focal_delta: float = 0.6
    """Of the foreground, and of false negatives."""

    multiclass_unified_focal_gamma: float = 0.5
    """How much it focuses."""

    multiclass_unified_focal_form: Literal["asymmetric", "symmetric"] = "asymmetric"
    """Whether background and foreground are focused differently."""

    ohem_cross_entropy: float = 0.0
    """Weight of the cross-entropy of hard pixels alone (Shrivastava et al., CVPR 2016)."""

    ohem_cross_entropy_threshold: float = 0.7
    """Probability of the label below which a pixel is hard."""

    ohem_cross_entropy_share: float = 0.1
    """Least share of an image's pixels that counts."""

    ohem_cross_entropy_kept: int = 100_000
    """Least number of a batch's pixels, in the released code."""

    scnp: float = 0.0
    """Weight of CE + Dice of the worst logits around each pixel (SCNP, CVPR 2026)."""

    scnp_size: int = 3
    """Side of the neighbourhood in pixels, odd."""

    margin_smoothing: float = 0.0
    """Weight of margin-based label smoothing (MbLS, Liu et al., CVPR 2022): 0.1 there."""

    margin_smoothing_margin: float = 10.0
    """How far a logit may be below the largest."""

    l1_ace: float = 0.0
    """Weight of the average calibration error (mL1-ACE, arXiv 2506.03942)."""

    l1_ace_bins: int = 20
    """Bins of confidence."""

    l1_ace_binning: Literal["hard", "soft"] = "hard"
    """A probability in one bin, or shared by the two nearest centres."""

    affinity_field: float = 0.0
    """Weight of the affinity field loss of one size (Ke et al., ECCV 2018): 1 there."""

    affinity_field_distance: int = 1
    """To each of the 8 neighbours, in pixels."""

    affinity_field_margin: float = 3.0
    """Least divergence between neighbours of different classes, in nats."""

    rmi: float = 0.0
    """Weight of region mutual information and its binary cross-entropy (Zhao et al., NeurIPS 2019);
    with ``xe`` 0 it stands for it."""

    rmi_share: float = 0.5
    """Of the binary cross-entropy."""

    rmi_form: Literal["mixed", "added"] = "mixed"
    """BCE and RMI share a weight of 1, or ``rmi_share`` RMI is added to BCE."""

    rmi_pool: Literal["average", "max", "resize"] = "average"
    """What makes the maps of RMI smaller."""

    rmi_downsampling: int = 4
    """How many times smaller; 1: as they are."""

    dual_task: float = 0.0
    """Weight of GSCNN's dual-task loss (Takikawa et al., ICCV 2019): 1 there."""

    dual_task_sigma: float = 2.0
    """Of the Gaussian before the gradient, in pixels."""

    edge_attention_on: Literal["logit", "probability"] = "logit"
    """What is above 0.8 where the boundary head is sure: InverseForm's code, or GSCNN's paper."""


_POSITIVE = (lambda x: 0 < x < float("inf"), "a finite number > 0")
_NOT_NEGATIVE = (lambda x: 0 <= x < float("inf"), "a finite number >= 0")
_SHARE = (lambda x: 0 <= x <= 1, "in [0, 1]")
_BELOW_ONE = (lambda x: 0 <= x < 1, "in [0, 1)")
_AT_LEAST_ONE = (lambda x: x >= 1, ">= 1")
_RANGES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    **dict.fromkeys(RIVALS, _NOT_NEGATIVE),
    "tversky_loss_alpha": _POSITIVE,
    "tversky_loss_beta": _POSITIVE,
    "tversky_loss_power": _POSITIVE,
    "jaccard_metric_loss_smoothing": _BELOW_ONE,
    "soft_cldice_iterations": (lambda x: x >= 0, ">= 0"),
    "focal_loss_gamma": _NOT_NEGATIVE,
    "focal_loss_alpha": _BELOW_ONE,
    "multiclass_unified_focal_share": _SHARE,
    "multiclass_unified_focal_delta": (lambda x: 0 < x < 1, "in (0, 1)"),
    "multiclass_unified_focal_gamma": _BELOW_ONE,
    "ohem_cross_entropy_threshold": (lambda x: 0 < x <= 1, "in (0, 1]"),
    "ohem_cross_entropy_share": _SHARE,
    "ohem_cross_entropy_kept": _AT_LEAST_ONE,
    "scnp_size": (lambda x: x >= 1 and x % 2 == 1, "an odd number >= 1"),
    "margin_smoothing_margin": _NOT_NEGATIVE,
    "l1_ace_bins": (lambda x: x >= 2, ">= 2"),
    "affinity_field_distance": _AT_LEAST_ONE,
    "affinity_field_margin": _POSITIVE,
    "rmi_share": _SHARE,
    "rmi_downsampling": _AT_LEAST_ONE,
    "dual_task_sigma": _POSITIVE,
}


def check_rivals(loss: RivalLosses) -> None:
    """Refuse a weight or a setting out of its range, naming its field."""
    for name, (holds, allowed) in _RANGES.items():
        require(holds(getattr(loss, name)), f"loss/{name}", allowed, getattr(loss, name))
    alone, allowed = loss.focal_loss_form == "sigmoid", "0 with loss/focal_loss_form softmax"
    require(
        alone or not loss.focal_loss_alpha, "loss/focal_loss_alpha", allowed, loss.focal_loss_alpha
    )


DEFAULTS: Mapping[str, Value] = {
    f"loss/{field.name}": field.default
    for field in fields(RivalLosses)
    if field.default is not MISSING
}
"""What configs of versions without these losses mean."""

READ_BY: Mapping[str, tuple[str, ...]] = {
    name: tuple(rival for rival in RIVALS if name.startswith(f"{rival}_"))
    for name in (field.name for field in fields(RivalLosses))
    if name not in (*RIVALS, "overlap_per_image", "edge_attention_on")
} | {
    "overlap_per_image": ("dice_loss", "tversky_loss"),
    "edge_attention_on": ("edge_attention",),
}
"""By setting, the terms that read it."""
