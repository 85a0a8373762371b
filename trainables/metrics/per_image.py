"""Counts per image and class, from which ``summaries.py`` computes every reported metric.

Counts are integers and additive over ranks: each rank fills the rows of its images, and a sum over
ranks gives the complete table. Means are computed only after that, so no metric depends on ranks.

Shape letters: N images, K classes, H rows, W columns, T tolerances, Z bands, R radii.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID
from trainables.metrics import bands, boundary, holes, overlap, surface
from trainables.metrics.calibration import NUM_COUNTS
from trainables.metrics.catalog import BOUNDARY_IOU_RATIO, TOLERANCES_PX, TRIMAP_WIDTHS_PX

Spacing = Sequence[float] | NDArray[np.floating]


class ImageCounts(NamedTuple):
    """Tables with one row per image. Void pixels are not counted."""

    overlap_NK3: Tensor
    """int64: true positives, false positives, false negatives, in pixels."""

    contour_NK2: Tensor
    """int64: length of the predicted and the true contour, in pixels."""

    hits_NTK2: Tensor
    """int64: predicted contour near the true one, and the reverse, at each tolerance."""

    regions_NK3: Tensor
    """int64: boundary IoU's regions: their intersection, the predicted, the true one, in pixels."""

    around_NR2: Tensor
    """int64: mBA: right pixels and valid pixels around true boundaries, at each radius."""

    bands_NZK3: Tensor
    """int64: overlap in each band of the trimap, without the next narrower band."""

    surface_NK3: Tensor
    """int64: Hausdorff, HD95 and ASSD in millionths of a px or mm, plus 2; 1 where both maps
    lack the class; 0 where they were not requested."""

    holes_NK3: Tensor
    """int64: ``holes.hole_counts`` plus 1; 0 where they were not requested."""

    film_NK2: Tensor
    """int64: hits like ``hits_NTK2`` at DAVIS' tolerance, plus 1; 0 for images that are no film."""

    series_N1: Tensor
    """int64: the number of the image's volume or film, from 1; 0 for photographs."""

    volume_NK3: Tensor
    """int64: like ``surface_NK3``, of the complete volume in mm, in the row of its first slice; 0
    in all other rows."""

    calibration_NC: Tensor
    """int64: ``calibration.calibration_counts``; 0 where there are no probabilities."""


LATER = ("holes_NK3", "film_NK2", "series_N1", "volume_NK3", "calibration_NC")
"""The tables that counts of older versions lack; they are zeros there."""
_MILLIONTHS = 1e6


def count(
    predicted_NHW: Tensor,
    labels_NHW: Tensor,
    num_classes: int,
    spacing: Spacing | None = None,
    *,
    with_holes: bool = False,
    film: bool = False,
) -> ImageCounts:
    """Count predictions against labels; pixels with a void label are left out of both.

    Args:
        predicted_NHW: int64 0..K-1; anything where the label is void.
        labels_NHW: int64 0..K-1, and 255 for void.
        num_classes: K.
        spacing: size of a pixel along rows and columns, in mm or (1, 1) for pixels, of all images
            or (N,2) of each. Requests the surface distances, which cost several times the rest.
        with_holes: requests the holes and islands.
        film: requests the hits at DAVIS' tolerance.

    Raises:
        ValueError: if a label is neither a class nor void, a prediction is not a class, the shapes
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
    # Memory traffic takes most of the time, and int32 halves that of int64.
    predicted_NHW, labels_NHW = predicted_NHW.int(), labels_NHW.int()
    # One image at a time fits into a CPU's cache; a GPU is faster with all of them at once.
    step = 1 if labels_NHW.device.type == "cpu" else max(1, len(labels_NHW))
    counted = [
        _count(predicted, labels, num_classes, film)
        for predicted, labels in zip(predicted_NHW.split(step), labels_NHW.split(step), strict=True)
    ]
    tables = {name: torch.cat([part[name] for part in counted]).contiguous() for name in counted[0]}
    counts = empty(len(labels_NHW), num_classes, labels_NHW.device)._replace(**tables)
    if spacing is not None:
        distances_NK3 = _surfaces(predicted_NHW, labels_NHW, num_classes, spacing)
        counts = counts._replace(surface_NK3=distances_NK3)
    if with_holes:
        found_NK3 = holes.hole_counts(predicted_NHW, labels_NHW, num_classes)
        counts = counts._replace(holes_NK3=found_NK3 + 1)
    return counts


def _count(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, film: bool
) -> dict[str, Tensor]:
    """The tables that need no request, by name, and ``film_NK2`` if it is."""
    widest_px = len(TRIMAP_WIDTHS_PX)
    zones_NZK3 = overlap.zone_overlap(
        predicted_NHW,
        labels_NHW,
        bands.band_zones(labels_NHW, widest_px),
        widest_px + 1,
        num_classes,
    )
    height, width = labels_NHW.shape[-2:]
    width_px = boundary.boundary_iou_width(height, width, BOUNDARY_IOU_RATIO)
    return {
        "overlap_NK3": zones_NZK3.sum(dim=1),
        **_contours(predicted_NHW, labels_NHW, num_classes, film),
        "regions_NK3": boundary.boundary_regions(predicted_NHW, labels_NHW, num_classes, width_px),
        "around_NR2": bands.boundary_accuracy(predicted_NHW, labels_NHW),
        "bands_NZK3": zones_NZK3[:, :widest_px],
    }


def _contours(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, film: bool
) -> dict[str, Tensor]:
    """Lengths of contours and hits at every tolerance, in one pass."""
    davis_px = boundary.davis_tolerance(*labels_NHW.shape[-2:])
    tolerances_px = (*sorted({*TOLERANCES_PX, davis_px}),) if film else TOLERANCES_PX
    lengths_NK2, hits_NTK2 = boundary.contour_hits(
        predicted_NHW, labels_NHW, num_classes, tolerances_px
    )
    if not film:
        return {"contour_NK2": lengths_NK2, "hits_NTK2": hits_NTK2}
    usual = [tolerances_px.index(tolerance) for tolerance in TOLERANCES_PX]
    return {
        "contour_NK2": lengths_NK2,
        "hits_NTK2": hits_NTK2[:, usual],
        "film_NK2": hits_NTK2[:, tolerances_px.index(davis_px)] + 1,
    }


def _surfaces(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, spacing: Spacing
) -> Tensor:
    """``surface_NK3``, each image with its own size of a pixel."""
    spacing_N2 = np.broadcast_to(np.asarray(spacing, dtype=np.float64), (len(labels_NHW), 2))
    maps = zip(predicted_NHW, labels_NHW, spacing_N2.tolist(), strict=True)
    rows = [whole_distances(one, other, num_classes, scale) for one, other, scale in maps]
    return torch.stack(rows) if rows else labels_NHW.new_zeros((0, num_classes, 3)).long()


def whole_distances(
    predicted: Tensor, labels: Tensor, num_classes: int, spacing: Sequence[float]
) -> Tensor:
    """int64 (K,3): ``surface_by_class`` of an image or a volume as ``surface_NK3`` has it, so that
    ranks add up exactly; the prediction may be anything where the labels are void."""
    predicted = predicted.masked_fill(labels == VOID, VOID)
    distances_K3 = surface.surface_by_class(predicted, labels, num_classes, spacing)
    whole_K3 = (distances_K3 * _MILLIONTHS).round().nan_to_num(-1).long() + 2
    return whole_K3.to(labels.device)


def distances(table_NK3: Tensor) -> Tensor:
    """float64 (N,K,3): the distances of ``surface_NK3`` in px or mm; NaN where there is none."""
    return ((table_NK3 - 2).double() / _MILLIONTHS).masked_fill(table_NK3 < 2, torch.nan)


def _require_classes(name: str, map_NHW: Tensor, void_NHW: Tensor, num_classes: int) -> None:
    if map_NHW.numel() == 0:
        return
    low, high = map_NHW.masked_fill(void_NHW, 0).aminmax()
    wrong = int(low) if low < 0 else int(high)
    allowed = f"0..{num_classes - 1} or {VOID} for void"
    require(0 <= wrong < num_classes, name, allowed, wrong)


def empty(num_images: int, num_classes: int, device: torch.device) -> ImageCounts:
    """A table of zeros with rows to fill in."""

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
        zeros(num_classes, 3),
        zeros(num_classes, 2),
        zeros(1),
        zeros(num_classes, 3),
        zeros(NUM_COUNTS),
    )
