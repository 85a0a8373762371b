"""Losses of a class's overlap with its true region: sums over pixels first, then a small formula.

Shape letters: B images, K classes, H rows, W columns, P = HW pixels.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.losses.inputs import full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm


class ClassSums(NamedTuple):
    """float64 (B,K) each, without void pixels; P are probabilities, G is the true mask."""

    wrong_BK: Tensor
    """|P - P G|: probability of the class where it is not true."""

    missed_BK: Tensor
    """|G - P G|: probability of other classes where it is true."""

    true_BK: Tensor
    """|G|: its pixels."""

    square_BK: Tensor
    """The sum of P squared; zero where no loss needs it."""

    @property
    def both_BK(self) -> Tensor:
        """|P G|."""
        return self.true_BK - self.missed_BK

    @property
    def present_BK(self) -> Tensor:
        """Bool: whether the image has a pixel of the class."""
        return self.true_BK > 0

    def of_the_batch(self) -> "ClassSums":
        """(1,K) each: of all images together."""
        return ClassSums(*(sum_BK.sum(dim=0, keepdim=True) for sum_BK in self))


Formula = Callable[[ClassSums], LossTerm]
"""From the sums to a loss; torch differentiates it."""


def loss_of_sums(
    logits_BKHW: Tensor, labels_BHW: Tensor, formula: Formula, *, squares: bool = False
) -> LossTerm:
    """The loss that the formula makes of the sums, with a gradient to the logits.

    It has a first derivative only: the formula's derivatives by the sums, (B,K), are spread over
    the pixels in one pass.

    Args:
        logits_BKHW: float, checked.
        labels_BHW: int64, 0..K-1 or 255, checked.
        squares: whether the formula reads ``square_BK``.
    """
    logits_BKHW = full_precision(logits_BKHW)
    # Under autocast the sums, which are matrix products, would run in half precision.
    with torch.autocast(logits_BKHW.device.type, enabled=False):
        with torch.no_grad():
            prob_BKHW = logits_BKHW.softmax(dim=1)
            own_B1HW = take_own(prob_BKHW, labels_BHW)
            sums = _class_sums(prob_BKHW, own_B1HW, labels_BHW, squares)
        with torch.enable_grad():
            leaves = ClassSums(*(sum_BK.detach().requires_grad_() for sum_BK in sums))
            term = formula(leaves)
            slopes = torch.autograd.grad(term.total, leaves, materialize_grads=True)
        with torch.no_grad():
            wrong_BK, missed_BK, _, square_BK = (s.to(prob_BKHW.dtype) for s in slopes)
            given = prob_BKHW, own_B1HW, labels_BHW, wrong_BK, -missed_BK
            to_gradient(*given, square_BK if squares else None)
            total = term.total.detach().to(prob_BKHW.dtype)
    return LossTerm(with_known_gradient(logits_BKHW, total, prob_BKHW), term.count)


def mean_over_images(loss_BK: Tensor, counted_BK: Tensor) -> LossTerm:
    """The sum over images of each one's mean over the counted classes, and the number of images
    with a counted class: ranks add both."""
    counted_B = counted_BK.sum(dim=1)
    image_B = torch.where(counted_BK, loss_BK, 0).sum(dim=1) / counted_B.clamp(min=1)
    return LossTerm(image_B.sum(), (counted_B > 0).sum())


def from_class(first: int, flags_BK: Tensor) -> Tensor:
    """The flags without those of the classes before the first one."""
    return flags_BK & (torch.arange(flags_BK.shape[1], device=flags_BK.device) >= first)


def take_own(prob_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """(B,1,H,W): the probabilities of the labels, which are set to zero in ``prob``."""
    own_B1HW = torch.empty_like(prob_BKHW[:, :1])
    for image, band in bands(prob_BKHW):
        prob, place = prob_BKHW[image, :, band], own_place(labels_BHW[image, band])
        torch.gather(prob, 1, place, out=own_B1HW[image, :, band])
        prob.scatter_(1, place, 0)
    return own_B1HW


def own_place(labels_BHW: Tensor) -> Tensor:
    """(B,1,H,W): the labels as indices; void pixels, which are left out later, have any."""
    return labels_BHW.masked_fill(labels_BHW == VOID, 0).unsqueeze(1)


def _class_sums(
    prob_BKHW: Tensor, own_B1HW: Tensor, labels_BHW: Tensor, squares: bool
) -> ClassSums:
    missed_BK, true_BK, square_BK = _sums_of_own(own_B1HW, labels_BHW, prob_BKHW.shape[1])
    wrong_BK = torch.zeros_like(true_BK)
    for image, band in bands(prob_BKHW):
        valid_BP1 = (labels_BHW[image, band] != VOID).flatten(1).to(prob_BKHW.dtype).unsqueeze(2)
        prob_BKP = prob_BKHW[image, :, band].flatten(2)
        wrong_BK[image] += (prob_BKP @ valid_BP1).squeeze(2)
        if squares:
            square_BK[image] += (prob_BKP.square() @ valid_BP1).squeeze(2)
    return ClassSums(wrong_BK, missed_BK, true_BK, square_BK)


def _sums_of_own(
    own_B1HW: Tensor, labels_BHW: Tensor, classes: int
) -> tuple[Tensor, Tensor, Tensor]:
    """float64 (B,K) each: |G - P G|, |G| and the sum of P squared where the class is true."""
    # double: added up one by one, a million float32 lose their fourth digit.
    valid_BP = (labels_BHW != VOID).flatten(1).double()
    place_BP, own_BP = own_place(labels_BHW).flatten(1), own_B1HW.flatten(1)
    none_BK = valid_BP.new_zeros(len(labels_BHW), classes)
    missed_BK = none_BK.scatter_add(1, place_BP, (1 - own_BP) * valid_BP)
    true_BK = none_BK.scatter_add(1, place_BP, valid_BP)
    return missed_BK, true_BK, none_BK.scatter_add(1, place_BP, own_BP.square() * valid_BP)


def to_gradient(
    prob_BKHW: Tensor,
    own_B1HW: Tensor,
    labels_BHW: Tensor,
    by_other_BK: Tensor,
    by_own_BK: Tensor,
    by_square_BK: Tensor | None = None,
) -> None:
    """Turn probabilities without those of ``take_own`` into the derivative by the logits, in place.

    Args:
        by_other_BK: the derivative by a probability where its class is not true.
        by_own_BK: where it is.
        by_square_BK: by the square of either.
    """
    for image, band in bands(prob_BKHW):
        prob, own = prob_BKHW[image, :, band], own_B1HW[image, :, band]
        labels = labels_BHW[image, band]
        place = own_place(labels)
        by_own = by_own_BK[image].gather(1, place.flatten(1)).view(place.shape)
        by_prob = by_other_BK[image, :, None, None]
        if by_square_BK is not None:
            by_square = by_square_BK[image].gather(1, place.flatten(1)).view(place.shape)
            by_own = by_own + 2 * own * by_square
            by_prob = torch.addcmul(by_prob, prob, by_square_BK[image, :, None, None], value=2)
        mean = (prob * by_prob).sum(dim=1, keepdim=True) + own * by_own
        prob.mul_(by_prob - mean).scatter_(1, place, own * (by_own - mean))
        prob.mul_((labels != VOID).unsqueeze(1))
