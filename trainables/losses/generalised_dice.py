"""Generalised Dice loss (Sudre et al., DLMIA 2017), a region loss beside boundary losses.

Shape letters: B images, K classes, H rows, W columns.
"""

from functools import partial

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.class_sums import (
    ClassSums,
    from_class,
    loss_of_sums,
    take_own,
    to_gradient,
)
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.term import LossTerm

_TINY = 1e-10


def generalised_dice(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
) -> LossTerm:
    """1 - 2 sum w |P G| / sum w (|P| + |G|) of each image, with w = 1 / |G|^2 for each class.

    "paper" leaves out classes that are absent from an image, whose w is undefined. The released
    code gives them 1e20, so with any class absent its loss is 1 and its gradient vanishes. Images
    without any class (all void) are left out; "released" counts them.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255; void pixels are left out of every sum.
        classes: "foreground" leaves out class 0.

    Returns:
        The sum over images, each in [0, 1], and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    first = first_class(classes)
    if variant == "released":
        return _released(full_precision(logits_BKHW), labels_BHW, first)
    return loss_of_sums(logits_BKHW, labels_BHW, partial(_dice, first=first))


def _dice(sums: ClassSums, *, first: int) -> LossTerm:
    """As (b - 2 a) / b, where b - 2 a is the sum of |P - G|: it has no negative part.

    The difference 1 - 2 a / b of a good prediction would be the rounding errors of two long sums,
    which can be negative.
    """
    weight_BK = sums.true_BK.clamp(min=1).pow(-2) * from_class(first, sums.present_BK)
    kept_B = (weight_BK > 0).any(dim=1)
    error_B = (weight_BK * (sums.wrong_BK + sums.missed_BK)).sum(dim=1)
    # |P| + |G| = |P - P G| + |P G| + |G|
    size_B = (weight_BK * (sums.wrong_BK + sums.both_BK + sums.true_BK)).sum(dim=1)
    return LossTerm((error_B / torch.where(kept_B, size_B, 1)).sum(), kept_B.sum())


def _released(logits_BKHW: Tensor, labels_BHW: Tensor, first: int) -> LossTerm:
    # Under autocast the sums, which are matrix products, would run in half precision.
    with torch.no_grad(), torch.autocast(logits_BKHW.device.type, enabled=False):
        prob_BKHW = logits_BKHW.softmax(dim=1)
        both_BK, predicted_BK, true_BK = _released_overlaps(prob_BKHW, labels_BHW)
        weight_BK = 1 / (true_BK + _TINY) ** 2
        weight_BK[:, :first] = 0
        overlap_B = (weight_BK * both_BK).sum(dim=1) + _TINY
        size_B = (weight_BK * (predicted_BK + true_BK)).sum(dim=1) + _TINY
        share_B = 2 * overlap_B / size_B
        # The derivatives of 1 - 2 a / b by |P| and by |P G|.
        per_size_BK = weight_BK / size_B.unsqueeze(1)
        by_predicted_BK, by_both_BK = per_size_BK * share_B.unsqueeze(1), -2 * per_size_BK
        own_B1HW = take_own(prob_BKHW, labels_BHW)
        by_own_BK = by_predicted_BK + by_both_BK
        to_gradient(prob_BKHW, own_B1HW, labels_BHW, by_predicted_BK, by_own_BK)
        total = (1 - share_B).sum()
    return LossTerm(
        with_known_gradient(logits_BKHW, total, prob_BKHW), torch.ones_like(share_B).sum().long()
    )


def _released_overlaps(prob_BKHW: Tensor, labels_BHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B,K) each: |P G|, |P| and |G|, added up in the order of the authors' code.

    The layout in memory decides that order.
    Near a perfect prediction, 1 - 2 a / b consists of their rounding errors.
    """
    truth_BHWK = one_hot(labels_BHW, prob_BKHW.shape[1]).permute(0, 2, 3, 1).contiguous()
    truth_BKHW = truth_BHWK.to(prob_BKHW.dtype).permute(0, 3, 1, 2)
    both_BK = torch.einsum("bkhw,bkhw->bk", prob_BKHW, truth_BKHW)
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1)
    return both_BK, (prob_BKHW * valid_B1HW).sum(dim=(2, 3)), truth_BKHW.sum(dim=(2, 3))
