"""Counts per image and class, from which every reported mean is made.

They are whole numbers and additive over ranks: each rank fills the rows of its own images, a sum
over ranks gives the table of the whole list, each image once. Means are taken only after that.

Shape letters: N images, K classes, H rows, W columns, T tolerances, R radii, Z bands.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.metrics import bands, boundary, overlap, surface
from trainables.metrics.catalog import BOUNDARY_IOU_RATIO, METRICS, TOLERANCES_PX, TRIMAP_WIDTHS_PX


class ImageCounts(NamedTuple):
    """One row an image. Void pixels are in none of them."""

    overlap_NK3: Tensor
    """int64: true positives, false positives, false negatives, in pixels."""

    contour_NK2: Tensor
    """int64: length of the predicted and the true contour, in pixels."""

    hits_NTK2: Tensor
    """int64: predicted contour near the true one, and the reverse, at each tolerance."""

    regions_NK3: Tensor
    """int64: boundary IoU's regions: of both, of the prediction, of the truth, in pixels."""

    around_NR2: Tensor
    """int64: mBA: right pixels and valid pixels around true boundaries, at each radius."""

    bands_NZK3: Tensor
    """int64: overlap within each band of the trimap that the next narrower one does not hold."""

    surface_NK3: Tensor
    """int64: Hausdorff, HD95 and ASSD in millionths of a px or mm, plus 2; 1 where the class lacks
    a surface to measure to; 0 where none was asked for."""


_MILLIONTHS = 1e6


def count(
    predicted_NHW: Tensor,
    labels_NHW: Tensor,
    num_classes: int,
    spacing: Sequence[float] | None = None,
) -> ImageCounts:
    """The counts of these images; where the label is void, neither map counts.

    Args:
        predicted_NHW: int64 0..K-1; anything where the label is void.
        labels_NHW: int64 0..K-1, and 255 for void.
        num_classes: K.
        spacing: size of a pixel along rows and columns, in mm or (1, 1) for pixels. Asks for the
            surface distances, which cost several times all the rest.

    Raises:
        ValueError: if a label or a prediction is no class (nor, for a label, void), the shapes
            differ, or there are more than 255 classes.
    """
    if predicted_NHW.shape != labels_NHW.shape:
        shapes = tuple(labels_NHW.shape), tuple(predicted_NHW.shape)
        raise ValueError(f"predicted must have the labels' shape {shapes[0]}, got {shapes[1]}")
    if not 1 <= num_classes <= VOID:
        raise ValueError(f"num_classes must be 1..{VOID}, got {num_classes}")
    void_NHW = labels_NHW == VOID
    _require_classes("predicted", predicted_NHW, void_NHW, num_classes)
    _require_classes("labels", labels_NHW, void_NHW, num_classes)
    predicted_NHW = predicted_NHW.masked_fill(void_NHW, VOID)
    # Half the memory traffic of int64, which is what the time goes into.
    predicted_NHW, labels_NHW = predicted_NHW.int(), labels_NHW.int()
    # One image at a time fits a CPU's cache; a GPU would rather have all of them at once.
    step = 1 if labels_NHW.device.type == "cpu" else max(1, len(labels_NHW))
    parts = [
        _count(predicted, labels, num_classes, spacing)
        for predicted, labels in zip(predicted_NHW.split(step), labels_NHW.split(step), strict=True)
    ]
    return ImageCounts(*(torch.cat(tables).contiguous() for tables in zip(*parts, strict=True)))


def _count(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, spacing: Sequence[float] | None
) -> ImageCounts:
    widest_px = len(TRIMAP_WIDTHS_PX)
    zones_NZK3 = overlap.zone_overlap(
        predicted_NHW,
        labels_NHW,
        bands.band_zones(labels_NHW, widest_px),
        widest_px + 1,
        num_classes,
    )
    contour_NK2, hits_NTK2 = boundary.contour_hits(
        predicted_NHW, labels_NHW, num_classes, TOLERANCES_PX
    )
    height, width = labels_NHW.shape[-2:]
    width_px = boundary.boundary_iou_width(height, width, BOUNDARY_IOU_RATIO)
    return ImageCounts(
        zones_NZK3.sum(dim=1),
        contour_NK2,
        hits_NTK2,
        boundary.boundary_regions(predicted_NHW, labels_NHW, num_classes, width_px),
        bands.boundary_accuracy(predicted_NHW, labels_NHW),
        zones_NZK3[:, :widest_px],
        _surface(predicted_NHW, labels_NHW, num_classes, spacing),
    )


def _surface(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, spacing: Sequence[float] | None
) -> Tensor:
    """``surface_NK3``: distances as whole numbers, so that they add up over ranks exactly."""
    if spacing is None:
        shape = (len(labels_NHW), num_classes, 3)
        return torch.zeros(shape, dtype=torch.int64, device=labels_NHW.device)
    distances_NK3 = surface.surface_by_class(predicted_NHW, labels_NHW, num_classes, spacing)
    whole_NK3 = (distances_NK3 * _MILLIONTHS).round().nan_to_num(-1).long() + 2
    return whole_NK3.to(labels_NHW.device)


def _require_classes(name: str, map_NHW: Tensor, void_NHW: Tensor, num_classes: int) -> None:
    if map_NHW.numel() == 0:
        return
    low, high = map_NHW.masked_fill(void_NHW, 0).aminmax()
    if low < 0 or high >= num_classes:
        wrong = int(low) if low < 0 else int(high)
        raise ValueError(f"{name} must be 0..{num_classes - 1} or {VOID} for void, got {wrong}")


def empty(num_images: int, num_classes: int, device: torch.device) -> ImageCounts:
    """A table of zeros, for the rows to be filled in."""

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(num_images, *shape, dtype=torch.int64, device=device)

    return ImageCounts(
        zeros(num_classes, 3),
        zeros(num_classes, 2),
        zeros(len(TOLERANCES_PX), num_classes, 2),
        zeros(num_classes, 3),
        zeros(bands.NUM_RADII, 2),
        zeros(len(TRIMAP_WIDTHS_PX), num_classes, 3),
        zeros(num_classes, 3),
    )


def sum_over_ranks(counts: ImageCounts) -> ImageCounts:
    """The table of all ranks, in place, where each rank holds zeros for the others' images."""
    if dist.is_initialized():
        for table in counts:
            dist.all_reduce(table)
    return counts


def summarize(
    counts: ImageCounts, images: Sequence[int] | Tensor | None = None
) -> dict[str, float]:
    """The reported metrics, in the catalog's order; NaN only where there is nothing to score.

    A class absent from prediction and truth has no IoU, and an image without it no boundary F:
    they are left out of the means (DESIGN, conventions); ``*_scored`` tell how much is in. The
    surface distances are there only if they were counted.

    Args:
        counts: a whole table, summed over ranks.
        images: rows to report on, in any order, or a bool mask of them; a row given twice counts
            twice, as a bootstrap needs it. All by default.

    Raises:
        ValueError: if there is no such row.
    """
    counts = _rows(counts, images)
    overlap_K3 = counts.overlap_NK3.sum(dim=0)
    metrics = {name: overlap.mean_of_present(values) for name, values in by_class(counts).items()}
    inside_ZK3 = counts.bands_NZK3.sum(dim=0).cumsum(dim=0)
    for side, zones_ZK3 in (("inside", inside_ZK3), ("outside", overlap_K3 - inside_ZK3)):
        for width, zone_K3 in zip(TRIMAP_WIDTHS_PX, zones_ZK3, strict=True):
            name = f"trimap_miou_{side}_{width}px"
            metrics[name] = overlap.mean_of_present(overlap.iou(zone_K3))
    metrics["miou"] = metrics.pop("iou")
    metrics["pixel_accuracy"] = overlap.pixel_accuracy(overlap_K3).item()
    accuracy_N = bands.mean_boundary_accuracy(counts.around_NR2)
    metrics["mba"] = overlap.mean_of_present(accuracy_N)
    if counts.surface_NK3.any():
        metrics["surfaces_scored"] = float((counts.surface_NK3[..., 0] > 1).sum())
    metrics["classes_scored"] = float((overlap_K3.sum(dim=-1) > 0).sum())
    metrics["contours_scored"] = float((counts.contour_NK2.sum(dim=-1) > 0).sum())
    return {name: metrics[name] for name in METRICS if name in metrics}


def by_class(
    counts: ImageCounts, images: Sequence[int] | Tensor | None = None
) -> dict[str, Tensor]:
    """float64 (K) each: the metrics that are means over classes, NaN for a class that is absent.

    IoU and boundary IoU are of the counts of all images; Dice, boundary F and surface distances are
    means over the images in which the class occurs (its contour, for F; in both maps, for surface
    distances), as their sources have it.
    """
    counts = _rows(counts, images)
    per_class = {
        "iou": overlap.iou(counts.overlap_NK3.sum(dim=0)),
        "dice": overlap.dice(counts.overlap_NK3).nanmean(dim=0),
    }
    for index, tolerance in enumerate(TOLERANCES_PX):
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, index])
        per_class[f"boundary_f_{tolerance}px"] = f_NK.nanmean(dim=0)
    per_class["boundary_iou"] = boundary.boundary_iou(counts.regions_NK3.sum(dim=0))
    if counts.surface_NK3.any():
        distance_NK3 = (counts.surface_NK3 - 2).double() / _MILLIONTHS
        distance_NK3 = distance_NK3.masked_fill(counts.surface_NK3 < 2, torch.nan)
        mean_K3 = distance_NK3.nanmean(dim=0)
        per_class |= dict(zip(("hausdorff", "hd95", "assd"), mean_K3.unbind(dim=-1), strict=True))
    return per_class


def _rows(counts: ImageCounts, images: Sequence[int] | Tensor | None) -> ImageCounts:
    if images is None:
        return ImageCounts(*(table.cpu() for table in counts))
    rows = torch.as_tensor(images, device="cpu")
    rows = rows.nonzero().squeeze(1) if rows.dtype == torch.bool else rows.long()
    num_images = len(counts.overlap_NK3)
    wrong = rows[(rows < 0) | (rows >= num_images)]
    if wrong.numel():
        raise ValueError(f"images must be 0..{num_images - 1}, got {int(wrong[0])}")
    return ImageCounts(*(table.cpu()[rows] for table in counts))
