"""Unified focal loss (Yeung et al., Computerized Medical Imaging and Graphics 2022).

Shape letters: B images, K classes, H rows, W columns.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.class_sums import ClassSums, loss_of_sums, mean_over_images
from trainables.losses.overlap import to_power
from trainables.losses.term import LossTerm

Form = Literal["asymmetric", "symmetric"]
_SMOOTH = 1e-6
_LEAST = 1e-12
"""Of 1 - p: below it a power under 1 has no bounded derivative."""


def multiclass_unified_focal(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    share: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    form: Form = "asymmetric",
    variant: Variant = "paper",
) -> LossTerm:
    """share x focal Tversky + (1 - share) x focal cross-entropy; class 0 is the background.

    With two classes it is the unified focal loss as published. With more it is ours: every class
    but 0 is treated as the paper's foreground. The focal cross-entropy is delta -log p of the
    foreground and (1 - delta) (1 - p)^gamma -log p of the background; focal Tversky, with delta on
    false negatives, is (1 - TI)^(1 - gamma) of the foreground and 1 - TI of the background.
    "symmetric" focuses both parts on all classes.

    "paper" averages Tversky over the classes of an image, and both parts over images; "released"
    counts absent classes, too, and adds 1e-6 to both sums of TI.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        share: in [0, 1]; lambda in the paper.
        delta: in (0, 1).
        gamma: in [0, 1).

    Returns:
        The sum over images with a valid pixel, and their number.
    """
    require(0 <= share <= 1, "share", "in [0, 1]", share)
    require(0 < delta < 1, "delta", "in (0, 1)", delta)
    require(0 <= gamma < 1, "gamma", "in [0, 1)", gamma)
    check_inputs(logits_BKHW, labels_BHW)
    everywhere, released = form == "symmetric", variant == "released"
    focal = _focal_cross_entropy(full_precision(logits_BKHW), labels_BHW, delta, gamma, everywhere)

    def tversky(sums: ClassSums) -> LossTerm:
        error_BK = (1 - delta) * sums.wrong_BK + delta * sums.missed_BK
        size_BK = sums.both_BK + error_BK + _SMOOTH * released
        loss_BK = error_BK / torch.where(size_BK > 0, size_BK, 1)
        focused_BK = to_power(loss_BK, 1 - gamma)
        background_BK = focused_BK if everywhere else loss_BK
        loss_BK = torch.cat([background_BK[:, :1], focused_BK[:, 1:]], dim=1)
        counted_BK = sums.present_BK.any(dim=1, keepdim=True) & (sums.present_BK | released)
        return mean_over_images(loss_BK, counted_BK)

    overlap = loss_of_sums(logits_BKHW, labels_BHW, tversky)
    total = share * overlap.total + (1 - share) * focal.total
    return LossTerm(total, focal.count)


def _focal_cross_entropy(
    logits_BKHW: Tensor, labels_BHW: Tensor, delta: float, gamma: float, everywhere: bool
) -> LossTerm:
    """The sum over images of each one's mean over valid pixels, and the images with any."""
    nats_BHW = F.cross_entropy(logits_BKHW, labels_BHW, ignore_index=VOID, reduction="none")
    background_BHW = labels_BHW == 0
    weight_BHW = torch.where(background_BHW, 1 - delta, delta).to(nats_BHW.dtype)
    focus_BHW = (-torch.expm1(-nats_BHW)).clamp(min=_LEAST).pow(gamma)
    if not everywhere:
        focus_BHW = torch.where(background_BHW, focus_BHW, 1)
    valid_B = (labels_BHW != VOID).flatten(1).sum(dim=1)
    image_B = (weight_BHW * focus_BHW * nats_BHW).flatten(1).sum(dim=1) / valid_B.clamp(min=1)
    return LossTerm(image_B.sum(), (valid_B > 0).sum())
