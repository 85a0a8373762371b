"""Distances between the surfaces of two masks: Hausdorff, HD95, average (ABL Table 8).

The surface of a mask is its elements that touch, along an axis, an element outside the mask or the
end of the image. medpy (0.5) and monai (1.6) agree on this, on ``hausdorff`` and on ``assd``, and
this file follows them. They differ on HD95, and both readings are here. google-deepmind's
surface-distance measures between pixel corners, weighted by length, and differs by up to a pixel.

Where only one of two masks is empty, no distance is defined: medpy raises an error, monai gives NaN
or infinity. ``surface_by_class`` gives the largest distance that the image allows, from corner to
corner, so that a network cannot gain by predicting nothing where it is unsure.

SciPy's k-d tree does the search, so these metrics alone run on the CPU wherever the masks are.

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
    """From each surface element to the nearest of the other mask; empty if either mask is."""

    from_predicted_M: NDArray[np.float64]
    from_true_M: NDArray[np.float64]


def surface_distances(
    predicted: Tensor, true: Tensor, spacing: Sequence[float] | None = None
) -> SurfaceDistances:
    """Distances between the surfaces of two bool masks of any dimension, (H,W) or (D,H,W).

    Args:
        predicted: a mask.
        true: a mask of the same shape.
        spacing: the size of an element along each axis in mm, which gives distances in mm; without
            it they are in pixels.

    Raises:
        ValueError: if the spacing is not one positive number per axis.
    """
    scale = _checked_spacing(spacing, true.ndim)
    points = [_surfaces(mask.cpu().long().numpy(), scale, 2)[1] for mask in (predicted, true)]
    return _between(*points)


def _between(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> SurfaceDistances:
    if not len(predicted) or not len(true):
        return SurfaceDistances(np.empty(0), np.empty(0))
    return SurfaceDistances(_tree(true).query(predicted)[0], _tree(predicted).query(true)[0])


def _tree(points: NDArray[np.float64]) -> KDTree:
    # Balancing pays off only for many queries of one tree.
    return KDTree(points, balanced_tree=False, compact_nodes=False)


def _checked_spacing(spacing: Sequence[float] | None, axes: int) -> NDArray[np.float64]:
    scale = np.ones(axes) if spacing is None else np.asarray(spacing, dtype=np.float64)
    right = scale.shape == (axes,) and bool((np.isfinite(scale) & (scale > 0)).all())
    require(right, "spacing", f"{axes} positive numbers, one an axis", spacing)
    return scale


def _surfaces(
    labels: NDArray[np.int64], scale: NDArray[np.float64], num_classes: int
) -> list[NDArray[np.float64]]:
    """The places (M, axes) of each class's surface, in one pass, as classes are disjoint."""
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

    ``pooled``: of both surfaces' distances together, as in medpy and most papers; otherwise the
    larger of the two surfaces' percentiles, as in monai.
    """
    if not distances.from_true_M.size:
        return math.nan
    if pooled:
        return float(np.percentile(np.concatenate(distances), 95))
    return max(float(np.percentile(part, 95)) for part in distances)


def assd(distances: SurfaceDistances) -> float:
    """Average symmetric surface distance: the mean over both surfaces; NaN if a mask is empty.

    All elements have the same weight, as in both tools; the mean of the two surfaces' means would
    be a different number.
    """
    if not distances.from_true_M.size:
        return math.nan
    return float(np.concatenate(distances).mean())


def surface_by_class(
    predicted: Tensor, labels: Tensor, num_classes: int, spacing: Sequence[float] | None = None
) -> Tensor:
    """float64 (K,3): Hausdorff, HD95 (pooled) and ASSD of one image or volume, as ``spacing`` says.

    NaN for a class in neither map. For a class in only one of them all three are the diagonal, the
    distance between opposite corners' elements, which no distance exceeds.

    Args:
        predicted: integers 0..K-1, and 255 where the labels are void; (H,W) or (D,H,W).
        labels: integers 0..K-1, and 255 for void, which is not a class.
        num_classes: K.
        spacing: see ``surface_distances``.
    """
    scale = _checked_spacing(spacing, labels.ndim)
    diagonal = float(np.linalg.norm((np.array(labels.shape) - 1) * scale))
    maps = (predicted, labels)
    ours, theirs = (_surfaces(map_.cpu().numpy(), scale, num_classes) for map_ in maps)
    table = torch.full((num_classes, 3), math.nan, dtype=torch.float64)
    for cls, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if len(one) and len(other):
            distances = _between(one, other)
            measures = hausdorff(distances), hd95(distances), assd(distances)
            table[cls] = torch.tensor(measures, dtype=torch.float64)
        elif len(one) or len(other):
            table[cls] = diagonal
    return table
