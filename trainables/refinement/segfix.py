"""SegFix (Yuan et al., ECCV 2020): near a boundary, the class of a pixel further inside.

A network predicts which pixels lie near a boundary, and in which direction the interior of their
object lies. A prediction is corrected by reading it at the pixel to which the offset points.

Angles are in degrees of atan2(down, right): 0 points right, 90 down, 180 (or -180) left. Of eight
directions the first points left, of four up and left; the others follow by way of up and right.
Shape letters: B images, K classes, N directions, H rows, W columns, P = HW pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import Variant, one_hot

UNKNOWN = -1
"""The label of a boundary or a direction that is not known."""
NEAR = 1
"""The label, and the class in the network's output, of pixels near a boundary."""
_RIGHT_DOWN = {
    4: ((-1, -1), (-1, 1), (1, 1), (1, -1)),
    8: ((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)),
}
"""By number of directions, rows down and columns right to the neighbour in each."""
_LOGIT = 0.5
"""What the released code compares a logit with, as if it were a probability."""


def bins(angles_BHW: Tensor, directions: int) -> Tensor:
    """int64 (B,H,W): the bin 0..n-1 of each angle; ``UNKNOWN`` where it is NaN.

    Between two bins as near, it is as in the released code.
    """
    turns_BHW = (angles_BHW + 180) / (360 / directions)
    if directions == 4:  # a quadrant each
        bin_BHW = turns_BHW.floor().clamp(max=3)
    else:
        bin_BHW = (turns_BHW - 0.5).ceil() % directions
    return bin_BHW.nan_to_num().long().masked_fill(angles_BHW.isnan(), UNKNOWN)


def flipped(angles_BHW: Tensor, *, variant: Variant = "paper") -> Tensor:
    """The angles (B,H,W) of a mirrored image: columns reversed, right and left exchanged.

    "released" keeps the angles that are exactly 0, 180 or -180, so that these directions point
    out of their objects.
    """
    mirrored_BHW = angles_BHW.flip(-1)
    turned_BHW = torch.where(mirrored_BHW > 0, 180 - mirrored_BHW, -180 - mirrored_BHW)
    if variant == "paper":
        return turned_BHW
    level_BHW = (mirrored_BHW == 0) | (mirrored_BHW.abs() == 180)
    return torch.where(level_BHW, mirrored_BHW, turned_BHW)


def offsets(
    near_logits_B2HW: Tensor, direction_logits_BNHW: Tensor, *, variant: Variant = "paper"
) -> Tensor:
    """int64 (B,2,H,W), -1..1: rows down and columns right to the next pixel inside.

    Zero away from boundaries: where the probability of the class ``NEAR`` is at most 1/2; in
    "released", where its logit is at most 1/2.

    Args:
        near_logits_B2HW: of "far from a boundary" and "near".
        direction_logits_BNHW: of 4 or 8 directions.

    Raises:
        ValueError: another number of directions.
    """
    if variant == "released":
        near_BHW = near_logits_B2HW[:, NEAR] > _LOGIT
    else:
        near_BHW = near_logits_B2HW[:, NEAR] > near_logits_B2HW[:, 1 - NEAR]
    return along(direction_logits_BNHW.argmax(dim=1), direction_logits_BNHW.shape[1], near_BHW)


def along(bin_BHW: Tensor, directions: int, near_BHW: Tensor) -> Tensor:
    """int64 (B,2,H,W): the steps of these bins; zero where it is not near, or ``UNKNOWN``."""
    require(directions in _RIGHT_DOWN, "directions", "4 or 8", directions)
    steps_N2 = torch.tensor(_RIGHT_DOWN[directions], device=bin_BHW.device)
    step_BHW2 = steps_N2[bin_BHW.clamp(min=0)]
    moved_BHW = near_BHW & (bin_BHW != UNKNOWN)
    return (step_BHW2 * moved_BHW.unsqueeze(3)).movedim(3, 1)


def corrected(maps_BKHW: Tensor, offsets_B2HW: Tensor, *, scale: int = 2) -> Tensor:
    """Maps read at ``pixel + scale * offset``, or at the image's border where that is outside.

    Args:
        maps_BKHW: logits, or anything else of each pixel.
        offsets_B2HW: int64, rows down and columns right.
        scale: of the offsets, in pixels; 2 in the released code.
    """
    rows, columns = maps_BKHW.shape[-2:]
    down_BHW, right_BHW = (scale * offsets_B2HW).unbind(dim=1)
    row_H1 = torch.arange(rows, device=down_BHW.device).unsqueeze(1)
    column_W = torch.arange(columns, device=down_BHW.device)
    row_BHW = (row_H1 + down_BHW).clamp(0, rows - 1)
    column_BHW = (column_W + right_BHW).clamp(0, columns - 1)
    place_B1P = (row_BHW * columns + column_BHW).flatten(1).unsqueeze(1)
    classes = maps_BKHW.shape[1]
    return maps_BKHW.flatten(2).gather(2, place_B1P.expand(-1, classes, -1)).view_as(maps_BKHW)


def corrected_as_released(logits_BKHW: Tensor, offsets_B2HW: Tensor, *, scale: int = 2) -> Tensor:
    """Scores of the label map as the released code corrects it with a PyTorch from 1.3 on.

    Its bilinear sampling relies on an older default (``align_corners``). With today's, even a zero
    offset reads between two pixels, and the rounded mean of two labels may be a third class.

    Returns:
        1 for the class that each pixel then has, 0 for the others.
    """
    classes = logits_BKHW.shape[1]
    labels_BHW = shifted_labels(logits_BKHW.argmax(dim=1), offsets_B2HW, scale=scale)
    return one_hot(labels_BHW.clamp(max=classes - 1), classes).to(logits_BKHW.dtype)


def shifted_labels(labels_BHW: Tensor, offsets_B2HW: Tensor, *, scale: int = 2) -> Tensor:
    """float (B,H,W): see ``corrected_as_released``."""
    rows, columns = labels_BHW.shape[-2:]
    down_BHW, right_BHW = (scale * offsets_B2HW).float().unbind(dim=1)
    device = labels_BHW.device
    row_BHW = torch.arange(rows, device=device).unsqueeze(1) + down_BHW
    column_BHW = torch.arange(columns, device=device) + right_BHW
    grid_BHW2 = torch.stack(
        (column_BHW / (columns - 1) * 2 - 1, row_BHW / (rows - 1) * 2 - 1), dim=3
    )
    map_B1HW = labels_BHW.unsqueeze(1).float()
    moved_B1HW = F.grid_sample(map_B1HW, grid_BHW2, padding_mode="border", align_corners=False)
    return moved_B1HW.squeeze(1).round()
