"""How far a boundary has moved, by the correlation operation that InverseForm names as a rival.

InverseForm, 3.1: "The correlation operation could also be considered between two images, but this
would only model translations between image boundaries". The paper gives no formula; this one is
ours. Shape letters: B images, H rows, W columns, N tiles, S tile side, R reach, D = 2R + 1 shifts.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.tiles import split_tiles
from trainables.losses.boundary_cross_entropy import check_boundary
from trainables.losses.inputs import full_precision
from trainables.losses.term import LossTerm, of_no_image

_TINY = 1e-6


def boundary_correlation(
    boundary_logits_BHW: Tensor,
    boundary_BHW: Tensor,
    valid_BHW: Tensor,
    *,
    tile: int,
    reach: int = 4,
    sharpness: float = 20.0,
) -> LossTerm:
    """The expected translation between predicted and true boundary in pixels, tile by tile.

    For a tile p of boundary probabilities and the true tile t, c(d) = sum_x p(x + d) t(x) /
    (|p| |t|) is their normalised cross-correlation at a shift d; the loss of a tile is
    sum_d |d| softmax(sharpness c)(d). It is small where the best match is that without a shift.
    Pixels outside a tile are blank, as void ones are; tiles without a true boundary are left out.

    Args:
        boundary_logits_BHW: float, before the sigmoid.
        boundary_BHW: bool, the true boundary.
        valid_BHW: bool, False where the label is void.
        tile: side of a tile in pixels; the image is padded with blanks to a multiple of it.
        reach: the largest shift in each direction, in pixels.
        sharpness: at 20, a shift whose correlation is less by 0.05 weighs e times less.

    Returns:
        The sum over tiles, and their number.

    Raises:
        ValueError: wrong shapes or types, a tile larger than the map, a reach beyond the tile.
    """
    check_boundary(boundary_logits_BHW, boundary_BHW, valid_BHW)
    require(0 <= reach < tile, "loss/correlation_reach", f"0 .. {tile - 1}", reach)
    if not boundary_logits_BHW.numel():
        return of_no_image(full_precision(boundary_logits_BHW))
    predicted_BHW = full_precision(boundary_logits_BHW).sigmoid().masked_fill(~valid_BHW, 0.0)
    true_BHW = (boundary_BHW & valid_BHW).to(predicted_BHW.dtype)
    predicted_NSS = split_tiles(predicted_BHW, tile).flatten(0, 1)
    true_NSS = split_tiles(true_BHW, tile).flatten(0, 1)
    kept_N = true_NSS.flatten(1).any(dim=1)
    with torch.autocast(predicted_NSS.device.type, enabled=False):
        weight_NDD = _weights(correlations(predicted_NSS, true_NSS, reach) * sharpness)
    shift_D = torch.arange(-reach, reach + 1, device=weight_NDD.device, dtype=weight_NDD.dtype)
    length_DD = torch.hypot(shift_D.unsqueeze(1), shift_D.unsqueeze(0))
    moved_N = (weight_NDD * length_DD).sum(dim=(1, 2))
    return LossTerm(moved_N.masked_fill(~kept_N, 0.0).sum(), kept_N.sum())


def correlations(predicted_NSS: Tensor, true_NSS: Tensor, reach: int) -> Tensor:
    """(N,D,D): normalised cross-correlation at each shift of the prediction, rows then columns."""
    # One group for each tile: its true tile is its kernel.
    found_1NDD = F.conv2d(
        predicted_NSS.unsqueeze(0), true_NSS.unsqueeze(1), padding=reach, groups=len(true_NSS)
    )
    energy_N = predicted_NSS.square().sum(dim=(1, 2)) * true_NSS.square().sum(dim=(1, 2))
    return found_1NDD.squeeze(0) / (energy_N + _TINY).sqrt().view(-1, 1, 1)


def _weights(score_NDD: Tensor) -> Tensor:
    """(N,D,D): how probable each shift is; they add up to 1."""
    return score_NDD.flatten(1).softmax(dim=1).view_as(score_NDD)
