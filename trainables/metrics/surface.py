"""Distances between the surfaces of two masks: Hausdorff, HD95, average (ABL Table 8).

The surface of a mask is its elements that touch, along an axis, one that is not of it; the outside
of the image is not. medpy (0.5) and monai (1.6) agree on that, on ``hausdorff`` and on ``assd``,
and are followed; on HD95 they differ, and both are here. google-deepmind/surface-distance measures
between the corners of pixels, weighted by length, and differs from both by up to a pixel.

SciPy's k-d tree does the search, so these alone run on the CPU wherever the masks lie.

Shape letters: N images, K classes, H rows, W columns, M surface elements.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from trainables.config import require


class SurfaceDistances(NamedTuple):
    """From each surface element to the nearest one of the other mask; none if either is empty."""

    from_predicted_M: NDArray[np.float64]
    from_true_M: NDArray[np.float64]


def surface_distances(
    predicted: Tensor, true: Tensor, spacing: Sequence[float] | None = None
) -> SurfaceDistances:
    """Distances between the surfaces of two bool masks of any dimension, (H,W) or (D,H,W).

    Args:
        predicted: the one mask.
        true: the other, of the same shape.
        spacing: size of an element along each axis, in mm, for distances in mm; else they are in
            pixels.

    Raises:
        ValueError: if the spacing is not one positive number an axis.
    """
    scale = _checked_spacing(spacing, true.ndim)
    points = [_surfaces(mask.cpu().long().numpy(), scale, 2)[1] for mask in (predicted, true)]
    return _between(*points)


def _between(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> SurfaceDistances:
    if not len(predicted) or not len(true):
        return SurfaceDistances(np.empty(0), np.empty(0))
    return SurfaceDistances(_tree(true).query(predicted)[0], _tree(predicted).query(true)[0])


def _tree(points: NDArray[np.float64]) -> KDTree:
    # Balancing pays for many queries of one tree only.
    return KDTree(points, balanced_tree=False, compact_nodes=False)


def _checked_spacing(spacing: Sequence[float] | None, axes: int) -> NDArray[np.float64]:
    scale = np.ones(axes) if spacing is None else np.asarray(spacing, dtype=np.float64)
    right = scale.shape == (axes,) and bool((np.isfinite(scale) & (scale > 0)).all())
    require(right, "spacing", f"{axes} positive numbers, one an axis", spacing)
    return scale


def _surfaces(
    labels: NDArray[np.int64], scale: NDArray[np.float64], num_classes: int
) -> list[NDArray[np.float64]]:
    """Places (M, axes) of each class's surface: one pass for all, since classes are disjoint."""
    on_surface = np.zeros(labels.shape, dtype=bool)
    for axis in range(labels.ndim):
        along, found = np.moveaxis(labels, axis, 0), np.moveaxis(on_surface, axis, 0)
        differs = along[1:] != along[:-1]
        found[1:] |= differs
        found[:-1] |= differs
        found[[0, -1]] = True
    indices = np.argwhere(on_surface)
    classes = labels[on_surface]
    return [indices[classes == cls] * scale for cls in range(num_classes)]


def hausdorff(distances: SurfaceDistances) -> float:
    """The largest distance of either surface to the other; NaN if a mask is empty."""
    return max(map(_largest, distances))


def _largest(distances_M: NDArray[np.float64]) -> float:
    return float(distances_M.max()) if distances_M.size else math.nan


def hd95(distances: SurfaceDistances, pooled: bool = True) -> float:
    """The 95th percentile (linear) of the distances; NaN if a mask is empty.

    ``pooled``: of both surfaces' distances together, as medpy has it and most papers report; else
    the larger of the two surfaces' percentiles, as monai has it.
    """
    if not distances.from_true_M.size:
        return math.nan
    if pooled:
        return float(np.percentile(np.concatenate(distances), 95))
    return max(float(np.percentile(part, 95)) for part in distances)


def assd(distances: SurfaceDistances) -> float:
    """Average symmetric surface distance: the mean over both surfaces; NaN if a mask is empty.

    All elements weigh the same, as in both tools; the mean of the two surfaces' means is another
    number.
    """
    if not distances.from_true_M.size:
        return math.nan
    return float(np.concatenate(distances).mean())


def surface_by_class(
    predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int, spacing: Sequence[float] | None
) -> Tensor:
    """float64 (N,K,3): Hausdorff, HD95 (pooled) and ASSD; NaN where either map lacks the class.

    Both maps int64; 255 (void) is of no class, and where the labels are void the prediction must
    be, too.
    """
    scale = _checked_spacing(spacing, 2)
    table = torch.full((len(labels_NHW), num_classes, 3), math.nan, dtype=torch.float64)
    for image, maps in enumerate(zip(predicted_NHW, labels_NHW, strict=True)):
        predicted, true = (_surfaces(map_HW.cpu().numpy(), scale, num_classes) for map_HW in maps)
        for cls in range(num_classes):
            distances = _between(predicted[cls], true[cls])
            measures = hausdorff(distances), hd95(distances), assd(distances)
            table[image, cls] = torch.tensor(measures, dtype=torch.float64)
    return table
