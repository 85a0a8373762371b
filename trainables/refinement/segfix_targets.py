"""What SegFix's network learns: which pixels are near a boundary, and where their interior lies.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant
from trainables.geometry.distance import NO_SITE, squared_distance
from trainables.geometry.signed_distance import with_phantom
from trainables.refinement.segfix import UNKNOWN

REACH = 2
"""Of the kernel that finds the direction, in pixels: it is 5x5."""
_SMALLEST, _DEEPEST = 100, 250
"""Pixels of a class that the released code leaves out, and where it cuts distances."""


class Interior(NamedTuple):
    """How deep each pixel lies in its class, and where it is deeper."""

    depth_BHW: Tensor
    """float32, pixels: the distance to the nearest pixel of another class; infinite where there is
    none; NaN where the label is void."""
    angle_BHW: Tensor
    """float32, degrees (see ``segfix.py``): the direction in which the depth grows; NaN where it
    grows in none, and where the label is void."""


def near(depth_BHW: Tensor, distance: float = 5.0) -> Tensor:
    """int64 (B,H,W): 1 within this distance of a boundary, 0 farther away, -1 where unknown."""
    return (depth_BHW <= distance).long().masked_fill(depth_BHW.isnan(), UNKNOWN)


def interior(labels_BHW: Tensor, num_classes: int, *, variant: Variant = "paper") -> Interior:
    """Depth and direction of every pixel (section 3 of the paper).

    The direction is the gradient of the depth within the class: a 5x5 correlation with x/(x^2+y^2)
    and y/(x^2+y^2). The image's border and void pixels make no boundary.

    "released": void makes a boundary, depths are integers up to 250, and angles even degrees.
    Beyond the border, the depth is 0, so that directions there point into the image. Pixels of a
    class with less than 100 pixels in the image have depth 0 and point right.

    Args:
        labels_BHW: int64, 0..K-1 or 255.
        num_classes: K.
    """
    released = variant == "released"
    depth_BHW = torch.full(labels_BHW.shape, torch.nan, device=labels_BHW.device)
    for number, inside_BHW in _classes(labels_BHW, num_classes):
        other_BHW = ~inside_BHW if released else (labels_BHW != number) & (labels_BHW != VOID)
        square_BHW = squared_distance(other_BHW)
        if released:
            distance_BHW = with_phantom(square_BHW).sqrt().float()
        else:
            absent_BHW = square_BHW >= NO_SITE
            distance_BHW = square_BHW.float().sqrt().masked_fill(absent_BHW, torch.inf)
        depth_BHW = torch.where(inside_BHW, distance_BHW, depth_BHW)
    if released:
        return _released(labels_BHW, num_classes, depth_BHW)
    return Interior(depth_BHW, _angle(labels_BHW, depth_BHW, rim=False))


def _classes(labels_BHW: Tensor, num_classes: int) -> Iterator[tuple[int, Tensor]]:
    """Each class that occurs, with its pixels."""
    counts_L = torch.bincount(labels_BHW.flatten(), minlength=num_classes)
    for number in counts_L[:num_classes].nonzero().flatten().tolist():
        yield number, labels_BHW == number


def _angle(labels_BHW: Tensor, depth_BHW: Tensor, *, rim: bool) -> Tensor:
    """Degrees, NaN where the gradient is zero. Beyond the image lies the pixel at its border, or
    with ``rim`` a pixel of the same class whose depth is 0.

    Only pixels of the same class count: at others, that class's depth is 0, as it is at the
    boundary.
    """
    known_BHW = depth_BHW.isfinite()
    flat_BHW = torch.where(known_BHW, depth_BHW, 0)
    right_BHW, down_BHW = torch.zeros_like(flat_BHW), torch.zeros_like(flat_BHW)
    depths, labels = _padded(flat_BHW, rim=rim), _padded(labels_BHW, rim=False)

    def own_BHW(down: int, right: int) -> Tensor:
        there_BHW = _at(depths, down, right, flat_BHW)
        return there_BHW * (_at(labels, down, right, flat_BHW) == labels_BHW)

    # In pairs, so that what is symmetric cancels exactly: a straight boundary's direction, between
    # two of four bins, would else be in one or the other by rounding.
    for far in range(1, REACH + 1):
        for aside in range(-REACH, REACH + 1):
            weight = far / (far * far + aside * aside)
            right_BHW += (own_BHW(aside, far) - own_BHW(aside, -far)) * weight
            down_BHW += (own_BHW(far, aside) - own_BHW(-far, aside)) * weight
    # A ridge's two sides cancel, but for rounding.
    still_BHW = torch.hypot(right_BHW, down_BHW) <= 1e-5 * flat_BHW
    angle_BHW = torch.atan2(down_BHW, right_BHW).rad2deg()
    return angle_BHW.masked_fill(still_BHW | ~known_BHW, torch.nan)


def _padded(map_BHW: Tensor, *, rim: bool) -> Tensor:
    if rim:
        return F.pad(map_BHW, (REACH,) * 4)
    whole_B1HW = map_BHW.unsqueeze(1).float()
    return F.pad(whole_B1HW, (REACH,) * 4, mode="replicate").squeeze(1).to(map_BHW.dtype)


def _at(padded_BHW: Tensor, down: int, right: int, like_BHW: Tensor) -> Tensor:
    rows, columns = like_BHW.shape[-2:]
    top, left = REACH + down, REACH + right
    return padded_BHW[:, top : top + rows, left : left + columns]


def _released(labels_BHW: Tensor, num_classes: int, depth_BHW: Tensor) -> Interior:
    """From unrounded depths, in the precision in which the released code stores them."""
    void_BHW = labels_BHW == VOID
    angle_BHW = _angle(labels_BHW, depth_BHW, rim=True).nan_to_num(0.0)
    angle_BHW = ((angle_BHW + 180) / 2).trunc() * 2 - 180
    small_BHW = torch.zeros_like(void_BHW)
    for _, inside_BHW in _classes(labels_BHW, num_classes):
        few_B = inside_BHW.flatten(1).sum(dim=1) < _SMALLEST
        small_BHW |= inside_BHW & few_B.view(-1, 1, 1)
    angle_BHW = angle_BHW.masked_fill(small_BHW, 0.0)
    depth_BHW = depth_BHW.clamp(max=_DEEPEST).trunc().masked_fill(small_BHW, 0.0)
    return Interior(depth_BHW, angle_BHW.masked_fill(void_BHW, torch.nan))
