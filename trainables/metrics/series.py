"""Metrics of images that belong together: the slices of a volume, the frames of a film.

All are of the classes but the first, which is the background, and all give a value to an image,
volume or frame that has nothing to find: an empty prediction is then right. DSC, J and F are 1 for
it (Kervadec's and DAVIS' public code), a Hausdorff distance is 0 (Kervadec's). An empty prediction
of what is there, and the reverse, has DSC, J and F 0, and as its distance the diagonal, the largest
there can be: to leave it out, as NaN in monai does, would reward a network that finds nothing.

Shape letters: N images, K classes, V volumes or films, T frames; a last axis of 3 of ``overlap`` is
true positives, false positives, false negatives.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.metrics import boundary, overlap
from trainables.metrics.per_image import ImageCounts, distances


def by_class(counts: ImageCounts) -> dict[str, Tensor]:
    """float64 (K) each, NaN for the background; {} for photographs."""
    if not counts.series_N1.any():
        return {}
    found = by_film(counts).values if counts.film_NK2.any() else _of_volumes(counts)
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


class Films(NamedTuple):
    """What each film scores; one that has no frame between its first and last one is left out."""

    rows: list[int]
    """The place of each film's first frame in the list."""
    values: dict[str, Tensor]
    """float64 (V,K) each."""


def by_film(counts: ImageCounts) -> Films:
    """DAVIS' J and F of each film, without its first and last frame, whose masks the task gives and
    does not ask for: mean, recall, decay (davis2017-evaluation), and the mean of both means."""
    f_NK = boundary.boundary_f(counts.contour_NK2, counts.film_NK2 - 1).nan_to_num(1)
    j_NK = overlap.iou(counts.overlap_NK3).nan_to_num(1)
    number_N = counts.series_N1[:, 0]
    whole = [(number_N == film).nonzero()[:, 0] for film in number_N.unique() if film]
    films = [rows for rows in whole if len(rows) > 2]
    found: dict[str, Tensor] = {}
    for name, values_NK in (("davis_j", j_NK), ("davis_f", f_NK)):
        inner = [values_NK[rows[1:-1]] for rows in films]
        for suffix, over_frames in _OVER_FRAMES.items():
            each = [over_frames(values_TK) for values_TK in inner]
            found[f"{name}{suffix}"] = (
                torch.stack(each) if each else f_NK.new_empty((0, *f_NK[0].shape))
            )
    found["davis_jf"] = (found["davis_j"] + found["davis_f"]) / 2
    return Films([int(rows[0]) for rows in films], found)


def _mean(values_TK: Tensor) -> Tensor:
    return values_TK.mean(dim=0)


def _recall(values_TK: Tensor) -> Tensor:
    """The share of the frames that score more than a half."""
    return (values_TK > 0.5).double().mean(dim=0)


def _decay(values_TK: Tensor) -> Tensor:
    """The mean of the first quarter of the frames less that of the last. Neighbouring quarters
    share the frame at their border, as in the toolkit; its numbers of frames have eight bits and
    are wrong beyond 256 frames, which these are not."""
    at = torch.linspace(1, len(values_TK), 5, dtype=torch.float64)
    first, second, _, fourth, last = ((at + 1e-10).round().long() - 1).tolist()
    return _mean(values_TK[first : second + 1]) - _mean(values_TK[fourth : last + 1])


_OVER_FRAMES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "": _mean,
    "_recall": _recall,
    "_decay": _decay,
}
"""What is measured over a film's frames (T,K), by the end of its metric's name."""


def given_frames(counts: ImageCounts) -> Tensor:
    """Bool (N): the frames whose masks a network was given, so that it did not predict them: their
    labels are all void."""
    return counts.film_NK2.any(dim=1).any(dim=1) & ~counts.overlap_NK3.flatten(1).any(dim=1)
