"""Metrics of images that belong together: the slices of a volume, the frames of a film.

All are of the classes but the first, which is the background, and all give a value to an image,
volume or frame that has nothing to find: an empty prediction is then right. DSC, J and F are 1 for
it (Kervadec's and DAVIS' public code), a Hausdorff distance is 0 (Kervadec's). An empty prediction
of what is there, and the reverse, has DSC, J and F 0, and as its distance the diagonal, the largest
there can be: to leave it out, as NaN in monai does, would reward a network that finds nothing.

Shape letters: N images, K classes, V volumes or films; a last axis of 3 of ``overlap`` is true
positives, false positives, false negatives.
"""

import torch
from torch import Tensor

from trainables.metrics import boundary, overlap
from trainables.metrics.per_image import ImageCounts, distances


def by_class(counts: ImageCounts) -> dict[str, Tensor]:
    """float64 (K) each, NaN for the background; {} for photographs."""
    if not counts.series_N1.any():
        return {}
    found = _of_films(counts) if counts.film_NK2.any() else _of_volumes(counts)
    return {name: _of_foreground(values_NK) for name, values_NK in found.items()}


def _of_foreground(values_NK: Tensor) -> Tensor:
    """(K): the mean over images, volumes or films; NaN for the background."""
    mean_K = values_NK.mean(dim=0)
    mean_K[0] = torch.nan
    return mean_K


def _of_volumes(counts: ImageCounts) -> dict[str, Tensor]:
    """By slice, and by volume, whose slices' pixels are counted together (3-D DSC)."""
    number_N, (_, *shape) = counts.series_N1[:, 0] - 1, counts.overlap_NK3.shape
    pooled_VK3 = counts.overlap_NK3.new_zeros((int(number_N.max()) + 1, *shape))
    pooled_VK3.index_add_(0, number_N, counts.overlap_NK3)
    found = {
        "dice_slice": overlap.dice(counts.overlap_NK3).nan_to_num(1),
        "dice_volume": overlap.dice(pooled_VK3).nan_to_num(1),
    }
    if counts.surface_NK3.any():
        found["hausdorff_slice"] = distances(counts.surface_NK3)[..., 0].nan_to_num(0)
    if counts.volume_NK3.any():
        first_N = counts.volume_NK3.flatten(1).any(dim=1)
        in_mm_VK3 = distances(counts.volume_NK3[first_N]).nan_to_num(0)
        found["hausdorff_volume"], found["hd95_volume"] = in_mm_VK3[..., 0], in_mm_VK3[..., 1]
    return found


def _of_films(counts: ImageCounts) -> dict[str, Tensor]:
    """DAVIS' J and F: the mean over a film's frames, without its first and last one, whose masks
    the task gives and does not ask for; then over films."""
    f_NK = boundary.boundary_f(counts.contour_NK2, counts.film_NK2 - 1).nan_to_num(1)
    j_NK = overlap.iou(counts.overlap_NK3).nan_to_num(1)
    number_N = counts.series_N1[:, 0]
    films = [(number_N == film).nonzero()[1:-1, 0] for film in number_N.unique()]
    films = [rows for rows in films if len(rows)]
    none = f_NK.new_full((1, f_NK.shape[1]), torch.nan)

    def by_film(values_NK: Tensor) -> Tensor:
        return torch.stack([values_NK[rows].mean(dim=0) for rows in films]) if films else none

    return {"davis_j": by_film(j_NK), "davis_f": by_film(f_NK)}
