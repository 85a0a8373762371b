"""Boundary F within a tolerance, and boundary IoU.

Both follow their public tools at void: a void pixel belongs to no class, so a class that ends at
void has a contour there, in prediction and truth alike if both have the class beside it. Such
contours are easy to match; they are 22 % of the length in CamVid's test labels.

Shape letters: N images, K classes, H rows, W columns, T tolerances, M contour pixels,
C pairs of a contour pixel and a class that has its contour there.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID
from trainables.metrics.windows import class_bits, disk, holds_other_label, label_code, unite

_CLASSES_AT_ONCE = 64


def contour(bits_NHW: Tensor) -> Tensor:
    """The one-pixel contour of bool masks (..., H, W), or of each bit of integer maps.

    A pixel is on the contour if the one to the right, below, or diagonally below right differs: the
    convention of the DAVIS toolkit, which GSCNN and openseg also follow. The last row is compared
    only to the right, the last column only downward.
    """
    contour_NHW = torch.zeros_like(bits_NHW)
    contour_NHW[..., :, :-1] |= bits_NHW[..., :, 1:] ^ bits_NHW[..., :, :-1]
    contour_NHW[..., :-1, :] |= bits_NHW[..., 1:, :] ^ bits_NHW[..., :-1, :]
    contour_NHW[..., :-1, :-1] |= bits_NHW[..., 1:, 1:] ^ bits_NHW[..., :-1, :-1]
    return contour_NHW


def contour_hits(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, tolerances_px: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """The lengths of each class's two contours, and how much of each lies near the other.

    Args:
        predicted_NHW: integers 0..K-1, and 255 where the labels are void.
        labels_NHW: integers 0..K-1, and 255 for void.
        num_classes: K.
        tolerances_px: ascending Euclidean distances, >= 0.

    Returns:
        Lengths int64 (N,K,2) and hits int64 (N,T,K,2) in pixels; last axis: predicted, true.

    Raises:
        ValueError: the tolerances are negative or not ascending, so that disks are not nested.
    """
    ascending = all(a < b for a, b in pairwise((-1, *tolerances_px)))
    require(ascending, "tolerances_px", "ascending numbers >= 0", tolerances_px)
    windows = [disk(tolerance) for tolerance in tolerances_px]
    chunks = []
    for start in range(0, num_classes, _CLASSES_AT_ONCE):
        classes = range(start, min(start + _CLASSES_AT_ONCE, num_classes))
        predicted_contour = contour(class_bits(predicted_NHW, classes))
        true_contour = contour(class_bits(labels_NHW, classes))
        chunks.append(
            torch.stack(
                (
                    _cumulative_hits(predicted_contour, unite(true_contour, windows), len(classes)),
                    _cumulative_hits(true_contour, unite(predicted_contour, windows), len(classes)),
                ),
                dim=-1,
            )
        )
    counts_NTK2 = torch.cat(chunks, dim=2)
    return counts_NTK2[:, -1], counts_NTK2[:, :-1]


def _cumulative_hits(contour_NHW: Tensor, near_TNHW: list[Tensor], num_classes: int) -> Tensor:
    """int64 (N,T+1,K): each class's contour pixels near the other contour, by tolerance; last, all.

    Only a few percent of the pixels are on a contour, so only these are unpacked into classes.
    """
    image_M, row_M, column_M = contour_NHW.nonzero(as_tuple=True)
    classes_K = torch.arange(num_classes, device=contour_NHW.device)
    bits_MK = (contour_NHW[image_M, row_M, column_M].unsqueeze(1) >> classes_K) & 1
    pixel_C, class_C = bits_MK.nonzero(as_tuple=True)
    # Disks are nested, so the number of tolerances that hold, 0 to T, says which ones do.
    held_C = torch.zeros_like(pixel_C)
    for near_NHW in near_TNHW:
        held_C += (near_NHW[image_M, row_M, column_M][pixel_C] >> class_C) & 1
    levels = len(near_TNHW) + 1
    index_C = (image_M[pixel_C] * num_classes + class_C) * levels + held_C
    images = len(contour_NHW)
    counts_NKT = torch.bincount(index_C, minlength=images * num_classes * levels).view(
        images, num_classes, levels
    )
    return counts_NKT.flip(-1).cumsum(dim=-1).transpose(1, 2)


def boundary_f(lengths_NK2: Tensor, hits_NK2: Tensor) -> Tensor:
    """float64 (N,K): the harmonic mean of the contours' precision and recall.

    Precision is the share of the predicted contour near the true one, recall the reverse. 0 where
    only one contour is empty, NaN where both are: ours leaves those out of means, the public tools
    give 1, which raises the mean of every rare class.
    """
    rate_NK2 = hits_NK2.double() / lengths_NK2.clamp(min=1)
    total_NK = rate_NK2.sum(dim=-1)
    f_NK = 2 * rate_NK2.prod(dim=-1) / total_NK.clamp(min=1e-12)
    return f_NK.masked_fill((lengths_NK2 == 0).all(dim=-1), math.nan)


DAVIS_TOLERANCE = 0.008
"""Share of a frame's diagonal within which DAVIS' toolkit matches contours."""


def davis_tolerance(height: int, width: int, share: float = DAVIS_TOLERANCE) -> int:
    """A share of the diagonal in pixels, rounded up, as DAVIS' toolkit has it."""
    return math.ceil(share * math.hypot(height, width))


def boundary_iou_width(height: int, width: int, ratio: float) -> int:
    """The boundary region's width in pixels: a share of the image's diagonal, at least 1."""
    return max(1, round(ratio * math.hypot(height, width)))


def boundary_regions(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, width_px: int
) -> Tensor:
    """int64 (N,K,3): pixels of both boundary regions' intersection, of the predicted, of the true.

    The region of a class is its pixels within ``width_px`` (chessboard distance) of a pixel that
    is not of the class; the outside of the image is not (Cheng et al., Boundary IoU, CVPR 2021,
    and its public tool). The classes are disjoint, so one map holds all their regions.
    """
    beside_predicted = holds_other_label(label_code(predicted_NHW), width_px)
    beside_true = holds_other_label(label_code(labels_NHW), width_px)
    both = beside_predicted & beside_true & (predicted_NHW == labels_NHW)
    images = torch.arange(len(labels_NHW), dtype=torch.int32, device=labels_NHW.device)
    offset_NHW = images.view(-1, 1, 1) * (num_classes + 1)

    def by_class(classes_NHW: Tensor, counted_NHW: Tensor) -> Tensor:
        counted_NHW = counted_NHW & (classes_NHW != VOID)
        index_NHW = offset_NHW + classes_NHW.where(counted_NHW, num_classes)
        size = len(labels_NHW) * (num_classes + 1)
        counts = torch.bincount(index_NHW.flatten(), minlength=size)
        return counts.view(len(labels_NHW), num_classes + 1)[:, :num_classes]

    return torch.stack(
        (
            by_class(labels_NHW, both),
            by_class(predicted_NHW, beside_predicted),
            by_class(labels_NHW, beside_true),
        ),
        dim=-1,
    )


def boundary_iou(regions_K3: Tensor) -> Tensor:
    """float64 (...): intersection over union of boundary regions; NaN where both are empty."""
    intersection = regions_K3[..., 0].double()
    return intersection / (regions_K3[..., 1] + regions_K3[..., 2] - intersection)
