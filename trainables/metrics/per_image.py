"""Counts per image and class, from which every reported mean is made.

They are whole numbers and additive over ranks: each rank fills the rows of its own images, a sum
over ranks gives the table of the whole list, each image once. Means are taken only after that.

Shape letters: N images, K classes, H rows, W columns, T tolerances.
"""

from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from trainables.geometry.boundaries import VOID, one_hot
from trainables.metrics.boundary import boundary_f, contour_hits
from trainables.metrics.catalog import TOLERANCES_PX


class ImageCounts(NamedTuple):
    """One row an image. Void pixels are in none of them."""

    overlap_NK3: Tensor
    """int64: true positives, false positives, false negatives, in pixels."""

    contour_NK2: Tensor
    """int64: length of the predicted and the true contour, in pixels."""

    hits_NTK2: Tensor
    """int64: predicted contour near the true one, and the reverse, at each tolerance."""


def count(predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int) -> ImageCounts:
    """The counts of these images. Both maps int64; where the label is void, neither counts."""
    valid_NHW = labels_NHW != VOID
    predicted_NKHW = one_hot(
        predicted_NHW.where(valid_NHW, torch.full_like(labels_NHW, VOID)), num_classes
    )
    true_NKHW = one_hot(labels_NHW, num_classes)
    overlap_NK3 = torch.stack(
        (
            (predicted_NKHW & true_NKHW).sum((2, 3)),
            (predicted_NKHW & ~true_NKHW).sum((2, 3)),
            (~predicted_NKHW & true_NKHW).sum((2, 3)),
        ),
        dim=-1,
    )
    contour_NK2, hits_NTK2 = contour_hits(predicted_NKHW, true_NKHW, TOLERANCES_PX)
    return ImageCounts(overlap_NK3, contour_NK2, hits_NTK2)


def empty(num_images: int, num_classes: int, device: torch.device) -> ImageCounts:
    """A table of zeros, for the rows to be filled in."""

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(num_images, *shape, dtype=torch.int64, device=device)

    tolerances = len(TOLERANCES_PX)
    return ImageCounts(
        zeros(num_classes, 3), zeros(num_classes, 2), zeros(tolerances, num_classes, 2)
    )


def sum_over_ranks(counts: ImageCounts) -> ImageCounts:
    """The table of all ranks, in place, where each rank holds zeros for the others' images."""
    if dist.is_initialized():
        for table in counts:
            dist.all_reduce(table)
    return counts


def summarize(counts: ImageCounts) -> dict[str, float]:
    """The reported metrics of these images; NaN only if no class occurs at all.

    A class absent from prediction and truth has no IoU, and an image without it no boundary F:
    they are left out of the means (DESIGN, conventions).
    """
    tp_K, fp_K, fn_K = counts.overlap_NK3.sum(dim=0).double().unbind(dim=-1)
    metrics = {
        "miou": (tp_K / (tp_K + fp_K + fn_K)).nanmean().item(),
        "pixel_accuracy": (tp_K.sum() / (tp_K + fn_K).sum()).item(),
    }
    for index, tolerance in enumerate(TOLERANCES_PX):
        f_NK = boundary_f(counts.contour_NK2, counts.hits_NTK2[:, index])
        metrics[f"boundary_f_{tolerance}px"] = f_NK.nanmean(dim=0).nanmean().item()
    return metrics
