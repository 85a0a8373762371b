"""Counts per image and class, from which every reported mean is made.

They are whole numbers and additive over ranks: each rank fills the rows of its own images, a sum
over ranks gives the table of the whole list, each image once. Means are taken only after that.

Shape letters: N images, K classes, H rows, W columns, T tolerances, R radii, Z bands.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.config import require
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
    require(1 <= num_classes <= VOID, "num_classes", f"1..{VOID}", num_classes)
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
    wrong = int(low) if low < 0 else int(high)
    allowed = f"0..{num_classes - 1} or {VOID} for void"
    require(0 <= wrong < num_classes, name, allowed, wrong)


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


def summarize(counts: ImageCounts) -> dict[str, float]:
    """The reported metrics, in the catalog's order; NaN only where there is nothing to score.

    A class absent from prediction and truth has no IoU, and an image without it no boundary F:
    the means leave them out, and ``*_scored`` says how much is in. The surface distances are there
    only if they were counted.

    Args:
        counts: a complete table, summed over ranks.
    """
    return {name: value_1.item() for name, value_1 in _summaries(_on_cpu(counts), None).items()}


def resample(counts: ImageCounts, weights_RN: Tensor) -> dict[str, Tensor]:
    """float64 (R) each: ``summarize`` of R lists, each with image n ``weights_RN[r, n]`` times."""
    return _summaries(_on_cpu(counts), weights_RN.double())


def by_class(counts: ImageCounts) -> dict[str, Tensor]:
    """float64 (K) each: the metrics that are means over classes, NaN for a class that is absent.

    IoU and boundary IoU are of the counts of all images; Dice, boundary F and surface distances are
    means over the images in which the class occurs (its contour, for F; in both maps, for surface
    distances), as their sources have it.
    """
    return {name: values_1K[0] for name, values_1K in _by_class(_on_cpu(counts), None).items()}


def _on_cpu(counts: ImageCounts) -> ImageCounts:
    return ImageCounts(*(table.cpu() for table in counts))


def _summaries(counts: ImageCounts, weights_RN: Tensor | None) -> dict[str, Tensor]:
    """(R) each: every reported metric of R lists, or of the one list as it is, without weights."""
    per_class = _by_class(counts, weights_RN)
    metrics = {name: overlap.mean_of_present(values_RK) for name, values_RK in per_class.items()}
    metrics["miou"] = metrics.pop("iou")
    overlap_RK3 = _total(counts.overlap_NK3, weights_RN)
    inside_RZK3 = _total(counts.bands_NZK3, weights_RN).cumsum(dim=1)
    outside_RZK3 = overlap_RK3.unsqueeze(1) - inside_RZK3
    for side, zones_RZK3 in (("inside", inside_RZK3), ("outside", outside_RZK3)):
        for width, zone_RK3 in zip(TRIMAP_WIDTHS_PX, zones_RZK3.unbind(dim=1), strict=True):
            metrics[f"trimap_miou_{side}_{width}px"] = overlap.mean_of_present(
                overlap.iou(zone_RK3)
            )
    metrics["pixel_accuracy"] = overlap.pixel_accuracy(overlap_RK3)
    metrics["mba"] = _mean_boundary_accuracy(counts, weights_RN)
    metrics["classes_scored"] = (overlap_RK3.sum(dim=-1) > 0).sum(dim=-1).double()
    scored_N = (counts.contour_NK2.sum(dim=-1) > 0).sum(dim=-1)
    metrics["contours_scored"] = _total(scored_N, weights_RN).double()
    if counts.surface_NK3.any():
        scored_N = (counts.surface_NK3[..., 0] > 1).sum(dim=-1)
        metrics["surfaces_scored"] = _total(scored_N, weights_RN).double()
    return {name: metrics[name] for name in METRICS if name in metrics}


def _by_class(counts: ImageCounts, weights_RN: Tensor | None) -> dict[str, Tensor]:
    """(R,K) each."""
    per_class = {
        "iou": overlap.iou(_total(counts.overlap_NK3, weights_RN)),
        "dice": _mean_over_images(overlap.dice(counts.overlap_NK3), weights_RN),
    }
    for index, tolerance in enumerate(TOLERANCES_PX):
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, index])
        per_class[f"boundary_f_{tolerance}px"] = _mean_over_images(f_NK, weights_RN)
    per_class["boundary_iou"] = boundary.boundary_iou(_total(counts.regions_NK3, weights_RN))
    if counts.surface_NK3.any():
        distance_NK3 = (counts.surface_NK3 - 2).double() / _MILLIONTHS
        distance_NK3 = distance_NK3.masked_fill(counts.surface_NK3 < 2, torch.nan)
        mean_RK3 = _mean_over_images(distance_NK3, weights_RN)
        per_class |= dict(zip(("hausdorff", "hd95", "assd"), mean_RK3.unbind(dim=-1), strict=True))
    return per_class


def _mean_boundary_accuracy(counts: ImageCounts, weights_RN: Tensor | None) -> Tensor:
    """(R): the mean over the images that have a boundary."""
    accuracy_N = bands.mean_boundary_accuracy(counts.around_NR2)
    has_one_N = ~accuracy_N.isnan()
    drawn_RN = None if weights_RN is None else weights_RN[:, has_one_N]
    return _mean_over_images(accuracy_N[has_one_N], drawn_RN)


def _mean_over_images(values: Tensor, weights_RN: Tensor | None) -> Tensor:
    """(R,...) from (N,...): the mean over the images that have a value."""
    known = ~values.isnan()
    return _total(values.masked_fill(~known, 0), weights_RN) / _total(known, weights_RN)


def _total(table: Tensor, weights_RN: Tensor | None) -> Tensor:
    """(R,...) from (N,...): the sum over each list's images; exact for whole numbers."""
    if weights_RN is None:
        # Ones as weights would do, but a matrix product rounds fractions otherwise than a sum.
        return table.sum(dim=0, keepdim=True)
    return torch.tensordot(weights_RN, table.double(), dims=1)
