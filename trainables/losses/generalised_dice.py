"""Generalised Dice loss (Sudre et al., DLMIA 2017), a region loss beside boundary losses.

Shape letters: B images, K classes, H rows, W columns, P = HW pixels.
"""

from typing import Literal

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm

_TINY = 1e-10


def generalised_dice(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    classes: Literal["all", "foreground"] = "all",
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
    first = 1 if classes == "foreground" else 0
    overlaps = _released_overlaps if variant == "released" else _overlaps
    with torch.no_grad():
        prob_BKHW = logits_BKHW.softmax(dim=1)
        both_BK, predicted_BK, true_BK = overlaps(prob_BKHW, labels_BHW)
        kept_B = (true_BK[:, first:] > 0).any(dim=1)
        weight_BK = true_BK.clamp(min=1).pow(-2) * (true_BK > 0)
        if variant == "released":
            weight_BK = 1 / (true_BK + _TINY) ** 2
            kept_B = torch.ones_like(kept_B)
        weight_BK[:, :first] = 0
        overlap_B = (weight_BK * both_BK).sum(dim=1) + _TINY
        size_B = (weight_BK * (predicted_BK + true_BK)).sum(dim=1) + _TINY
        total = ((1 - 2 * overlap_B / size_B) * kept_B).sum()
        # The derivatives of 1 - 2 a / b by the sums, from which those by the logits follow.
        per_overlap_B = kept_B * 2 / size_B
        by_both_BK = -weight_BK * per_overlap_B.unsqueeze(1)
        by_predicted_BK = weight_BK * (per_overlap_B * overlap_B / size_B).unsqueeze(1)
        _to_gradient(prob_BKHW, labels_BHW, by_both_BK, by_predicted_BK)
    return LossTerm(with_known_gradient(logits_BKHW, total, prob_BKHW), kept_B.sum())


def _to_gradient(
    prob_BKHW: Tensor, labels_BHW: Tensor, by_both_BK: Tensor, by_predicted_BK: Tensor
) -> None:
    """Turn probabilities into the derivative by the logits, in place, from those by the sums."""
    for image, band in bands(prob_BKHW):
        prob, labels = prob_BKHW[image, :, band], labels_BHW[image, band].unsqueeze(1)
        valid = labels != VOID
        place = labels.masked_fill(~valid, 0)
        by_both = by_both_BK[image].gather(1, place.flatten(1)).view(place.shape)
        by_predicted = by_predicted_BK[image, :, None, None]
        own = prob.gather(1, place) * by_both
        mean = (prob * by_predicted).sum(dim=1, keepdim=True) + own
        prob.mul_(by_predicted - mean).scatter_add_(1, place, own).mul_(valid)


def _overlaps(prob_BKHW: Tensor, labels_BHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B,K) each: |P G|, |P| and |G| of every class, without void pixels."""
    prob_BKP, labels_BP = prob_BKHW.flatten(2), labels_BHW.flatten(1)
    valid_BP = labels_BP != VOID
    one_BP = valid_BP.to(prob_BKP.dtype)
    place_BP = labels_BP.masked_fill(~valid_BP, 0)
    hit_BP = prob_BKP.gather(1, place_BP.unsqueeze(1)).squeeze(1) * one_BP
    none_BK = prob_BKP.new_zeros(prob_BKP.shape[:2])
    both_BK = none_BK.scatter_add(1, place_BP, hit_BP)
    predicted_BK = (prob_BKP @ one_BP.unsqueeze(2)).squeeze(2)
    return both_BK, predicted_BK, none_BK.scatter_add(1, place_BP, one_BP)


def _released_overlaps(prob_BKHW: Tensor, labels_BHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same, added up in the order of the authors' code, which the layout in memory decides.

    Near a perfect prediction, 1 - 2 a / b consists of their rounding errors.
    """
    truth_BHWK = one_hot(labels_BHW, prob_BKHW.shape[1]).permute(0, 2, 3, 1).contiguous()
    truth_BKHW = truth_BHWK.to(prob_BKHW.dtype).permute(0, 3, 1, 2)
    both_BK = torch.einsum("bkhw,bkhw->bk", prob_BKHW, truth_BKHW)
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1)
    return both_BK, (prob_BKHW * valid_B1HW).sum(dim=(2, 3)), truth_BKHW.sum(dim=(2, 3))
