"""Generalised Dice loss (Sudre et al., DLMIA 2017), a region loss beside boundary losses.

Shape letters: B images, K classes, H rows, W columns, P = HW pixels.
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
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
    logits_BKHW = full_precision(logits_BKHW)
    first = first_class(classes)
    dice = _released_dice if variant == "released" else _dice
    # Under autocast the sums, which are matrix products, would run in half precision.
    with torch.no_grad(), torch.autocast(logits_BKHW.device.type, enabled=False):
        prob_BKHW = logits_BKHW.softmax(dim=1)
        own_B1HW = _taken_out(prob_BKHW, labels_BHW)
        image_B, by_both_BK, by_predicted_BK, kept_B = dice(prob_BKHW, own_B1HW, labels_BHW, first)
        slopes = by_both_BK.to(prob_BKHW.dtype), by_predicted_BK.to(prob_BKHW.dtype)
        _to_gradient(prob_BKHW, own_B1HW, labels_BHW, *slopes)
        total = image_B.sum().to(prob_BKHW.dtype)
    return LossTerm(with_known_gradient(logits_BKHW, total, prob_BKHW), kept_B.sum())


_Dice = tuple[Tensor, Tensor, Tensor, Tensor]
"""(B,) the loss of each image, (B,K) its derivatives by |P G| and by |P|, (B,) which count."""


def _taken_out(prob_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """(B,1,H,W): the probabilities of the labels, which are set to zero in ``prob``."""
    own_B1HW = torch.empty_like(prob_BKHW[:, :1])
    for image, band in bands(prob_BKHW):
        prob, place = prob_BKHW[image, :, band], _place(labels_BHW[image, band])
        torch.gather(prob, 1, place, out=own_B1HW[image, :, band])
        prob.scatter_(1, place, 0)
    return own_B1HW


def _place(labels_BHW: Tensor) -> Tensor:
    """(B,1,H,W): the labels as indices; void pixels, which are left out later, have any."""
    return labels_BHW.masked_fill(labels_BHW == VOID, 0).unsqueeze(1)


def _dice(prob_BKHW: Tensor, own_B1HW: Tensor, labels_BHW: Tensor, first: int) -> _Dice:
    """As (b - 2 a) / b, where b - 2 a is the sum of |P - G|: it has no negative part.

    The difference 1 - 2 a / b of a good prediction would be the rounding errors of two long sums,
    which can be negative.
    """
    wrong_BK, missed_BK, true_BK = _overlaps(prob_BKHW, own_B1HW, labels_BHW)
    weight_BK = true_BK.clamp(min=1).pow(-2) * (true_BK > 0)
    weight_BK[:, :first] = 0
    kept_B = weight_BK.any(dim=1)
    error_B = (weight_BK * (wrong_BK + missed_BK)).sum(dim=1)
    # |P| + |G| = |P - P G| + |P G| + |G|
    size_B = (weight_BK * (wrong_BK + (true_BK - missed_BK) + true_BK)).sum(dim=1)
    size_B = torch.where(kept_B, size_B, 1)
    image_B = error_B / size_B
    return (image_B, *_slopes(weight_BK, 1 - image_B, size_B), kept_B)


def _released_dice(prob_BKHW: Tensor, own_B1HW: Tensor, labels_BHW: Tensor, first: int) -> _Dice:
    whole_BKHW = prob_BKHW.scatter(1, _place(labels_BHW), own_B1HW)
    both_BK, predicted_BK, true_BK = _released_overlaps(whole_BKHW, labels_BHW)
    weight_BK = 1 / (true_BK + _TINY) ** 2
    weight_BK[:, :first] = 0
    overlap_B = (weight_BK * both_BK).sum(dim=1) + _TINY
    size_B = (weight_BK * (predicted_BK + true_BK)).sum(dim=1) + _TINY
    share_B = 2 * overlap_B / size_B
    kept_B = torch.ones_like(share_B, dtype=torch.bool)
    return (1 - share_B, *_slopes(weight_BK, share_B, size_B), kept_B)


def _slopes(weight_BK: Tensor, share_B: Tensor, size_B: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives of 1 - 2 a / b by |P G| and by |P|, where ``share`` is 2 a / b."""
    per_size_BK = weight_BK / size_B.unsqueeze(1)
    return -2 * per_size_BK, per_size_BK * share_B.unsqueeze(1)


def _to_gradient(
    prob_BKHW: Tensor,
    own_B1HW: Tensor,
    labels_BHW: Tensor,
    by_both_BK: Tensor,
    by_predicted_BK: Tensor,
) -> None:
    """Turn probabilities into the derivative by the logits, in place, from those by the sums."""
    by_own_BK = by_both_BK + by_predicted_BK
    for image, band in bands(prob_BKHW):
        prob, own, labels = (
            prob_BKHW[image, :, band],
            own_B1HW[image, :, band],
            labels_BHW[image, band],
        )
        place = _place(labels)
        by_own = by_own_BK[image].gather(1, place.flatten(1)).view(place.shape)
        by_predicted = by_predicted_BK[image, :, None, None]
        mean = (prob * by_predicted).sum(dim=1, keepdim=True) + own * by_own
        prob.mul_(by_predicted - mean).scatter_(1, place, own * (by_own - mean))
        prob.mul_((labels != VOID).unsqueeze(1))


def _overlaps(
    prob_BKHW: Tensor, own_B1HW: Tensor, labels_BHW: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """float64 (B,K) each: |P - P G|, |G - P G| and |G| of every class, without void pixels."""
    # double: added up one by one, a million float32 lose their fourth digit.
    valid_BP = (labels_BHW != VOID).flatten(1).double()
    place_BP = _place(labels_BHW).flatten(1)
    none_BK = valid_BP.new_zeros(prob_BKHW.shape[:2])
    missed_BK = none_BK.scatter_add(1, place_BP, (1 - own_B1HW.flatten(1)) * valid_BP)
    true_BK = none_BK.scatter_add(1, place_BP, valid_BP)
    wrong_BK = none_BK
    for image, band in bands(prob_BKHW):
        valid = (labels_BHW[image, band] != VOID).flatten(1).to(prob_BKHW.dtype)
        wrong_BK[image] += (prob_BKHW[image, :, band].flatten(2) @ valid.unsqueeze(2)).squeeze(2)
    return wrong_BK, missed_BK, true_BK


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
