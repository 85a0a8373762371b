"""How far each pixel is from the nearest pixel of another class: one map for all classes.

Shape letters: B images, H rows, W columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.geometry.distance import CHECK_EVERY, NO_SITE


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

    0 at void pixels, ``NO_SITE`` where an image has no second class. Exact. The first pass looks
    along the longer axis; the second is a pass of parabolas over the shorter one, as in
    ``distance.parabola_pass``, with the same synchronisation on a GPU.
    """
    if labels_BHW.numel() == 0:
        return torch.zeros_like(labels_BHW, dtype=torch.int32)
    if labels_BHW.shape[1] > labels_BHW.shape[2]:
        return squared_distance_to_other_class(labels_BHW.transpose(1, 2)).transpose(1, 2)
    labels_BHW = labels_BHW.to(torch.int32)
    void_BHW = labels_BHW == VOID
    sides = _sides(labels_BHW, void_BHW)
    best_BHW = torch.stack([_offer(labels_BHW, side) for side in sides]).amin(dim=0)
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


def _sides(labels_BHW: Tensor, void_BHW: Tensor) -> list[_Side]:
    """Left and right; where no pixel is void they say the same of themselves, and one is enough."""
    left = _to_the_left(labels_BHW, void_BHW)
    mirrored = _to_the_left(labels_BHW.flip(2), void_BHW.flip(2))
    right = _Side(*(map_BHW.flip(2) for map_BHW in mirrored))
    if labels_BHW.device.type != "cpu" or void_BHW.any():
        return [left, right]
    return [left._replace(far_BHW=torch.minimum(left.far_BHW, right.far_BHW))]


def _to_the_left(labels_BHW: Tensor, void_BHW: Tensor) -> _Side:
    column_W = torch.arange(labels_BHW.shape[2], dtype=torch.int32, device=labels_BHW.device)
    column_BHW = column_W.expand_as(labels_BHW)
    near_BHW = column_BHW.masked_fill(void_BHW, -1).cummax(dim=2).values
    label_BHW = labels_BHW.gather(2, near_BHW.clamp(min=0).long())
    before_BHW = torch.nn.functional.pad(near_BHW[..., :-1], (1, 0), value=-1)
    label_before_BHW = torch.nn.functional.pad(label_BHW[..., :-1], (1, 0), value=VOID)
    changed_BHW = ~void_BHW & (before_BHW >= 0) & (label_before_BHW != labels_BHW)
    far_BHW = before_BHW.masked_fill(~changed_BHW, -1).cummax(dim=2).values
    return _Side(label_BHW, _square(column_BHW, near_BHW), _square(column_BHW, far_BHW))


def _square(column_BHW: Tensor, found_BHW: Tensor) -> Tensor:
    return (column_BHW - found_BHW).square_().masked_fill_(found_BHW < 0, NO_SITE)
