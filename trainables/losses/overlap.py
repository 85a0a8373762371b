"""Dice and Tversky losses: how a class's soft mask overlaps with the true one.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import Variant
from trainables.losses.inputs import RegionClasses, check_inputs, first_class
from trainables.losses.kernels.class_sums import (
    ClassSums,
    from_class,
    loss_of_sums,
    mean_over_images,
)
from trainables.losses.term import LossTerm

_LEAST = 1e-12
_SMOOTH_DICE, _SMOOTH_TVERSKY = 1e-5, 1e-6


def dice_loss(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    squared: bool = False,
    per_image: bool = True,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
    smooth: float = _SMOOTH_DICE,
) -> LossTerm:
    """1 - 2 |P G| / (|P| + |G|) of each class in each image that has it (Drozdzal et al., 2016).

    "paper" averages over the classes of an image, then over images. "released" is monai's:
    ``smooth`` is added to both sums, and classes that the image lacks are part of the mean.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255; void pixels are left out of every sum.
        squared: P^2 and G^2 in the denominator, as in V-Net (Milletari et al., 3DV 2016).
        per_image: False adds up the images first; the value then depends on the batch.
        classes: "foreground" leaves out class 0.
        smooth: in "released" only.

    Returns:
        The sum over images, each in [0, 1], and their number.
    """
    added = smooth if variant == "released" else 0.0

    def losses(sums: ClassSums) -> Tensor:
        predicted_BK = sums.square_BK if squared else sums.wrong_BK + sums.both_BK
        # As (|P| + |G| - 2 |P G|) over the size: 1 - a / b would be a rounding error near zero.
        error_BK = predicted_BK + sums.true_BK - 2 * sums.both_BK
        if not squared:
            error_BK = sums.wrong_BK + sums.missed_BK
        return error_BK / kept_positive(predicted_BK + sums.true_BK + added)

    return _of_classes(logits_BKHW, labels_BHW, losses, per_image, classes, variant, squared)


def tversky_loss(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    power: float = 1.0,
    per_image: bool = True,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
    smooth: float = _SMOOTH_TVERSKY,
) -> LossTerm:
    """(1 - |P G| / (|P G| + alpha |P - G| + beta |G - P|))^power (Salehi et al., MLMI 2017, Eq. 4).

    A power of 3/4 is the focal Tversky loss (Abraham and Khan, ISBI 2019: 1/gamma of 4/3). Averages
    as ``dice_loss``; "released" (mlyg's unified focal loss) adds ``smooth`` to both sums.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        alpha: of false positives; the paper's best is 0.3.
        beta: of false negatives; the paper's best is 0.7.
        power: > 0.

    Returns:
        The sum over images, each in [0, 1], and their number.
    """
    for name, value in (("alpha", alpha), ("beta", beta), ("power", power)):
        require(0 < value < float("inf"), name, "a finite number > 0", value)
    added = smooth if variant == "released" else 0.0

    def losses(sums: ClassSums) -> Tensor:
        error_BK = alpha * sums.wrong_BK + beta * sums.missed_BK
        return to_power(error_BK / kept_positive(sums.both_BK + error_BK + added), power)

    return _of_classes(logits_BKHW, labels_BHW, losses, per_image, classes, variant)


def _of_classes(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    losses: Callable[[ClassSums], Tensor],
    per_image: bool,
    classes: RegionClasses,
    variant: Variant,
    squares: bool = False,
) -> LossTerm:
    """The mean over images of a loss of each class, or of the sums of the batch."""
    check_inputs(logits_BKHW, labels_BHW)
    first = first_class(classes)

    def formula(sums: ClassSums) -> LossTerm:
        sums = sums if per_image else sums.of_the_batch()
        counted_BK = sums.present_BK
        if variant == "released":
            counted_BK = torch.full_like(counted_BK, len(labels_BHW) > 0)
        return mean_over_images(losses(sums), from_class(first, counted_BK))

    return loss_of_sums(logits_BKHW, labels_BHW, formula, squares=squares)


def to_power(loss_BK: Tensor, power: float) -> Tensor:
    """The loss to a power; below 1e-12, where the slope of a root has no bound, its chord."""
    if power == 1:
        return loss_BK
    chord_BK = loss_BK * _LEAST ** (power - 1)
    return torch.where(loss_BK < _LEAST, chord_BK, loss_BK.clamp(min=_LEAST).pow(power))


def kept_positive(size_BK: Tensor) -> Tensor:
    """The size, or 1 where it is zero: no pixel has the class or its probability."""
    return torch.where(size_BK > 0, size_BK, 1)
