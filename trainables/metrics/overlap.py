"""Overlap of regions, from counts of pixels: IoU, Dice, accuracy.

Shape letters: N images, K classes, H rows, W columns, Z zones; a last axis of 3 is true positives,
false positives, false negatives.
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID


def zone_overlap(
    predicted_NHW: Tensor, labels_NHW: Tensor, zone_NHW: Tensor, num_zones: int, num_classes: int
) -> Tensor:
    """int64 (N,Z,K,3): the overlap of each class within each zone. Void pixels are not counted.

    ``zone_NHW`` (integers 0..Z-1) sorts the pixels into disjoint zones.
    """
    images = torch.arange(len(labels_NHW), dtype=torch.int32, device=labels_NHW.device)
    # An extra class takes the void pixels; its column is dropped at the end.
    base_NHW = (images.view(-1, 1, 1) * num_zones + zone_NHW) * (num_classes + 1)
    void_NHW = labels_NHW == VOID
    true_NHW = labels_NHW.masked_fill(void_NHW, num_classes)
    predicted_NHW = predicted_NHW.masked_fill(void_NHW, num_classes)
    agreed_NHW = true_NHW.where(true_NHW == predicted_NHW, num_classes)
    agreed, predicted, true = (
        torch.bincount(
            (base_NHW + classes_NHW).flatten(),
            minlength=len(labels_NHW) * num_zones * (num_classes + 1),
        ).view(len(labels_NHW), num_zones, num_classes + 1)[..., :num_classes]
        for classes_NHW in (agreed_NHW, predicted_NHW, true_NHW)
    )
    return torch.stack((agreed, predicted - agreed, true - agreed), dim=-1)


def confusion(predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int) -> Tensor:
    """int64 (K,K): pixels by true class (rows) and predicted class. Void pixels are not counted."""
    valid_NHW = labels_NHW != VOID
    pairs = labels_NHW[valid_NHW] * num_classes + predicted_NHW[valid_NHW]
    return pairs.bincount(minlength=num_classes**2).view(num_classes, num_classes)


def iou(overlap_K3: Tensor) -> Tensor:
    """float64 (...): TP / (TP + FP + FN); NaN for a class in neither prediction nor truth."""
    true_positives, false_positives, false_negatives = overlap_K3.unbind(dim=-1)
    return true_positives.double() / (true_positives + false_positives + false_negatives)


def dice(overlap_K3: Tensor) -> Tensor:
    """float64 (...): 2 TP / (2 TP + FP + FN), the DSC of ABL Table 8; NaN where both are empty."""
    true_positives = 2 * overlap_K3[..., 0].double()
    return true_positives / (true_positives + overlap_K3[..., 1:].sum(dim=-1))


def pixel_accuracy(overlap_K3: Tensor) -> Tensor:
    """float64 (...): the share of valid pixels whose class is right; NaN if none is valid."""
    true_positives = overlap_K3[..., 0].sum(dim=-1).double()
    return true_positives / (overlap_K3[..., 0] + overlap_K3[..., 2]).sum(dim=-1)


def mean_of_present(values_RK: Tensor) -> Tensor:
    """float64 (R), or () for (K): the mean of the classes that are not NaN; NaN if all are."""
    occurs_K = torch.atleast_2d(~values_RK.isnan()).any(dim=0)
    if not occurs_K.all():
        # A zero in the place of an absent class would change how the sum rounds.
        values_RK = values_RK[..., occurs_K]
    known_RK = ~values_RK.isnan()
    return values_RK.masked_fill(~known_RK, 0).sum(dim=-1) / known_RK.sum(dim=-1)
