"""A loss from distance transforms that lowers the Hausdorff distance (Karimi and Salcudean, 2020).

InverseForm's introduction names Hausdorff losses as the alternative that cannot be applied
efficiently: here it needs two distance maps of each class of each image in every step.
Shape letters: B images, K classes, H rows, W columns, N maps (B times K).
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, one_hot
from trainables.geometry.distance import no_site, squared_distance
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.term import LossTerm

_HALF = 0.5


def hausdorff(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    classes: RegionClasses = "all",
) -> LossTerm:
    """Mean of (p - t)^2 (d_t^2 + d_p^2), with alpha = 2; distances in pixels.

    d_t and d_p are the distances to the boundary of the true and of the predicted mask of a class,
    on both sides of it; a class is predicted where its probability is above a half. A mask that is
    empty, or has nothing beside it, has no distance. Void pixels are outside every mask and have no
    weight.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        classes: "foreground" leaves out class 0.

    Returns:
        The sum over (class, valid pixel) pairs, and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    num_classes, first = logits_BKHW.shape[1], first_class(classes)
    prob_BKHW = full_precision(logits_BKHW).softmax(dim=1)
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1)
    with torch.no_grad():
        true_BKHW = one_hot(labels_BHW, num_classes)
        predicted_BKHW = (prob_BKHW > _HALF) & valid_B1HW
        field_BKHW = _squared(true_BKHW) + _squared(predicted_BKHW)
        field_BKHW = (field_BKHW * valid_B1HW).to(prob_BKHW.dtype)
    error_BKHW = (prob_BKHW - true_BKHW.to(prob_BKHW.dtype)).square() * field_BKHW
    count = valid_B1HW.sum() * (num_classes - first)
    return LossTerm(error_BKHW[:, first:].sum(), count)


def _squared(mask_BKHW: Tensor) -> Tensor:
    """(B,K,H,W): squared distance to the nearest pixel on the other side of the mask's boundary."""
    mask_NHW = mask_BKHW.flatten(0, 1)
    square_NHW = squared_distance(~mask_NHW) * mask_NHW + squared_distance(mask_NHW) * ~mask_NHW
    whole_N11 = no_site(mask_NHW) | no_site(~mask_NHW)
    return square_NHW.masked_fill(whole_N11, 0).view(mask_BKHW.shape)
