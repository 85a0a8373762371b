"""Depth, normals, saliency and human parts (InverseForm, section 4).

They follow ASTMT and Vandenhende's Multi-Task-Learning-PyTorch, except that those score what is
absent with 1 or 0, and here it is left out. Totals are per image and additive over ranks.

Shape letters: N images, H rows, W columns, K parts, S thresholds; a last axis of 3 is true
positives, false positives, false negatives.
"""

import math

import torch
from torch import Tensor

from trainables.metrics.overlap import iou, mean_of_present

SALIENCY_THRESHOLDS = tuple(0.2 + 0.05 * step for step in range(15))
"""0.2 ... 0.9; the best one for all images is reported (ASTMT)."""


def depth_totals(predicted_NHW: Tensor, true_NHW: Tensor, valid_NHW: Tensor) -> Tensor:
    """float64 (N,2): the sum of squared errors in m^2, and the number of valid pixels."""
    return _totals((predicted_NHW.double() - true_NHW.double()) ** 2, valid_NHW)


def depth_rmse(totals_N2: Tensor) -> float:
    """Root mean square error over the pixels of all images, in m; NaN if none is valid."""
    return math.sqrt(_pooled_mean(totals_N2))


def normals_totals(predicted_N3HW: Tensor, true_N3HW: Tensor, valid_NHW: Tensor) -> Tensor:
    """float64 (N,2): the sum of angles in degrees, and the number of valid pixels.

    Vectors of any length but 0; a predicted 0 vector is off by a right angle.
    """
    predicted, true = predicted_N3HW.double(), true_N3HW.double()
    # Well-conditioned at small angles, where arccos is not.
    cross_NHW = torch.linalg.cross(predicted, true, dim=1).norm(dim=1)
    along_NHW = (predicted * true).sum(dim=1)
    degrees_NHW = torch.rad2deg(torch.atan2(cross_NHW, along_NHW))
    degrees_NHW = degrees_NHW.masked_fill(predicted.norm(dim=1) == 0, 90.0)
    return _totals(degrees_NHW, valid_NHW)


def normals_mean_angle(totals_N2: Tensor) -> float:
    """Mean angular error over the pixels of all images, in degrees; NaN if none is valid."""
    return _pooled_mean(totals_N2)


def _totals(error_NHW: Tensor, valid_NHW: Tensor) -> Tensor:
    # No product with the mask, as an invalid pixel may hold NaN.
    valid_error_NHW = error_NHW.where(valid_NHW, 0.0)
    return torch.stack((valid_error_NHW.sum((1, 2)), valid_NHW.sum((1, 2)).double()), dim=-1)


def _pooled_mean(totals_N2: Tensor) -> float:
    error, pixels = totals_N2.sum(dim=0).tolist()
    return error / pixels if pixels else math.nan


def saliency_overlap(prob_NHW: Tensor, true_NHW: Tensor, valid_NHW: Tensor) -> Tensor:
    """int64 (N,S,3): overlap of the salient region at each threshold.

    ``prob_NHW`` 0..1 is salient above the threshold; ``true_NHW`` is bool.
    """
    true_NHW = true_NHW & valid_NHW
    counts = []
    for threshold in SALIENCY_THRESHOLDS:
        predicted_NHW = (prob_NHW > threshold) & valid_NHW
        both_N = (predicted_NHW & true_NHW).sum((1, 2))
        only_N = (part.sum((1, 2)) - both_N for part in (predicted_NHW, true_NHW))
        counts.append(torch.stack((both_N, *only_N), dim=-1))
    return torch.stack(counts, dim=1)


def saliency_miou(overlap_NS3: Tensor) -> float:
    """IoU averaged over images, at the threshold where that is largest.

    An image without a salient pixel in prediction and truth is left out of its threshold's mean.
    """
    return max(
        (mean_of_present(iou_N).item() for iou_N in iou(overlap_NS3).unbind(dim=-1)),
        key=lambda mean: -math.inf if math.isnan(mean) else mean,
    )


def parts_miou(overlap_NK3: Tensor) -> float:
    """mIoU of the parts and the background, class 0, over the images that show a part.

    As in ASTMT; a part that no image has, predicted or true, is left out of the mean.
    """
    true_NK = overlap_NK3[..., 0] + overlap_NK3[..., 2]
    shows_N = true_NK[:, 1:].sum(dim=-1) > 0
    return mean_of_present(iou(overlap_NK3[shows_N].sum(dim=0))).item()
