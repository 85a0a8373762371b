"""How far each pixel is from the nearest pixel of another class: one map for all classes.

Shape letters: B images, H rows, W columns.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.geometry.distance import CHECK_EVERY, NO_SITE, lower_envelope

_OUTSIDE = 2**14


class _Side(NamedTuple):
    """What lies in a pixel's own row, itself included, on one side of it (int32, squared)."""

    label_BHW: Tensor
    near_BHW: Tensor
    """To the nearest valid pixel, whose label this is."""
    far_BHW: Tensor
    """To the nearest valid pixel with another label than that."""

    def rows(self, which: slice) -> "_Side":
        return _Side(*(map_BHW[:, which] for map_BHW in self))


def squared_distance_to_other_class(labels_BHW: Tensor) -> Tensor:
    """int32 (B,H,W): squared distance to the nearest valid pixel whose label differs.

    0 at void pixels, ``NO_SITE`` where an image has no second class. Exact. Two passes as in
    ``distance.parabola_pass``, with the same synchronisation on a GPU.
    """
    if labels_BHW.numel() == 0:
        return torch.zeros_like(labels_BHW, dtype=torch.int32)
    if labels_BHW.shape[1] > labels_BHW.shape[2]:
        return squared_distance_to_other_class(labels_BHW.transpose(1, 2)).transpose(1, 2)
    labels_BHW = labels_BHW.to(torch.int32)
    void_BHW = labels_BHW == VOID
    if labels_BHW.device.type != "cpu":
        return _around_void(labels_BHW, void_BHW)
    images = zip(labels_BHW.split(1), void_BHW.split(1), strict=True)
    return torch.cat(
        [_around_void(*image) if image[1].any() else _without_void(image[0]) for image in images]
    )


def _without_void(labels_BHW: Tensor) -> Tensor:
    """Up to the first other class of its column, a pixel sees its own class in every row.

    So that row's distance to another class is the one that counts there, whatever the pixel; and
    rows beyond cannot offer less than the column itself.
    """
    in_row_BHW = _nearest_in_row(labels_BHW)
    in_column_BHW = _nearest_in_row(labels_BHW.transpose(1, 2)).transpose(1, 2).contiguous()
    best_BHW = lower_envelope(in_row_BHW, torch.minimum(in_column_BHW, in_row_BHW))
    return best_BHW.clamp_(max=NO_SITE)


def _nearest_in_row(labels_BHW: Tensor) -> Tensor:
    """Squared distance to the nearest pixel of the row with another label, no void about."""
    changes_BHW = F.pad(labels_BHW[..., 1:] != labels_BHW[..., :-1], (1, 0))
    column_W = torch.arange(labels_BHW.shape[2], dtype=torch.int32, device=labels_BHW.device)
    start_BHW = torch.where(changes_BHW, column_W, -_OUTSIDE).cummax(dim=2).values
    ends_BHW = torch.where(changes_BHW, column_W, 2 * _OUTSIDE)
    end_BHW = ends_BHW.flip(2).cummin(dim=2).values.flip(2)
    end_BHW = F.pad(end_BHW[..., 1:], (0, 1), value=2 * _OUTSIDE)
    distance_BHW = torch.minimum(column_W - start_BHW + 1, end_BHW - column_W)
    return (distance_BHW * distance_BHW).masked_fill_(distance_BHW >= _OUTSIDE, NO_SITE)


def _around_void(labels_BHW: Tensor, void_BHW: Tensor) -> Tensor:
    """A void row offers the nearest valid pixel on either side, or the nearest of another label."""
    left = _to_the_left(labels_BHW, void_BHW)
    mirrored = _to_the_left(labels_BHW.flip(2), void_BHW.flip(2))
    sides = (left, _Side(*(map_BHW.flip(2) for map_BHW in mirrored)))
    best_BHW = torch.minimum(*(_offer(labels_BHW, side) for side in sides))
    for k in range(1, labels_BHW.shape[1]):
        if k % CHECK_EVERY == 0 and best_BHW.masked_fill(void_BHW, 0).max() <= k * k:
            break
        upper, lower = slice(None, -k), slice(k, None)
        for side in sides:
            for here, there in ((upper, lower), (lower, upper)):
                offer_BHW = _offer(labels_BHW[:, here], side.rows(there)).add_(k * k)
                torch.minimum(best_BHW[:, here], offer_BHW, out=best_BHW[:, here])
    return best_BHW.masked_fill_(void_BHW, 0).clamp_(max=NO_SITE)


def _offer(labels_BHW: Tensor, side: _Side) -> Tensor:
    return torch.where(side.label_BHW == labels_BHW, side.far_BHW, side.near_BHW)


def _to_the_left(labels_BHW: Tensor, void_BHW: Tensor) -> _Side:
    column_W = torch.arange(labels_BHW.shape[2], dtype=torch.int32, device=labels_BHW.device)
    column_BHW = column_W.expand_as(labels_BHW)
    near_BHW = column_BHW.masked_fill(void_BHW, -1).cummax(dim=2).values
    label_BHW = labels_BHW.gather(2, near_BHW.clamp(min=0).long())
    before_BHW = F.pad(near_BHW[..., :-1], (1, 0), value=-1)
    label_before_BHW = F.pad(label_BHW[..., :-1], (1, 0), value=VOID)
    changed_BHW = ~void_BHW & (before_BHW >= 0) & (label_before_BHW != labels_BHW)
    far_BHW = before_BHW.masked_fill(~changed_BHW, -1).cummax(dim=2).values
    return _Side(label_BHW, _square(column_BHW, near_BHW), _square(column_BHW, far_BHW))


def _square(column_BHW: Tensor, found_BHW: Tensor) -> Tensor:
    distance_BHW = column_BHW - found_BHW
    return (distance_BHW * distance_BHW).masked_fill_(found_BHW < 0, NO_SITE)
