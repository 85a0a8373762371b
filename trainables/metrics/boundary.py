"""Boundary precision and recall within a tolerance.

Shape letters: N images, K classes, H rows, W columns, T tolerances.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def contour(mask_NHW: Tensor) -> Tensor:
    """Bool: the one-pixel contour of bool masks (..., H, W).

    A pixel is contour if the one to the right, below, or diagonally below right differs: the
    convention of the DAVIS toolkit, which GSCNN and openseg follow too. The last row compares only
    to the right, the last column only down.
    """
    right = torch.zeros_like(mask_NHW)
    right[..., :, :-1] = mask_NHW[..., :, 1:] ^ mask_NHW[..., :, :-1]
    below = torch.zeros_like(mask_NHW)
    below[..., :-1, :] = mask_NHW[..., 1:, :] ^ mask_NHW[..., :-1, :]
    diagonal = torch.zeros_like(mask_NHW)
    diagonal[..., :-1, :-1] = mask_NHW[..., 1:, 1:] ^ mask_NHW[..., :-1, :-1]
    return right | below | diagonal


def dilate_disk(mask_NHW: Tensor, radius_px: int) -> Tensor:
    """Bool: pixels within ``radius_px`` (Euclidean) of a set pixel of a bool mask (N,H,W).

    A disk is a stack of horizontal bars, one a row: as many one-dimensional max pools.
    """
    value_N1HW = mask_NHW.float().unsqueeze(1)
    rows = mask_NHW.shape[-2]
    dilated = mask_NHW.clone()
    for down in range(-radius_px, radius_px + 1):
        if abs(down) >= rows:
            continue
        half = math.isqrt(radius_px**2 - down**2)
        bar_N1HW = F.max_pool2d(value_N1HW, (1, 2 * half + 1), stride=1, padding=(0, half))
        bar = bar_N1HW.squeeze(1) > 0
        dilated[:, max(down, 0) : rows + min(down, 0)] |= bar[
            :, max(-down, 0) : rows + min(-down, 0)
        ]
    return dilated


def contour_hits(
    predicted_NKHW: Tensor, true_NKHW: Tensor, tolerances_px: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Sizes of both contours, and how much of each lies near the other.

    Returns:
        Sizes int64 (N,K,2) and hits int64 (N,T,K,2) in pixels; last axis: predicted, true.
    """
    shape_NK = predicted_NKHW.shape[:2]
    predicted_MHW = contour(predicted_NKHW).flatten(0, 1)
    true_MHW = contour(true_NKHW).flatten(0, 1)
    sizes_M2 = torch.stack((predicted_MHW.sum((1, 2)), true_MHW.sum((1, 2))), dim=-1)
    hits_TM2 = torch.stack(
        [
            torch.stack(
                (
                    (predicted_MHW & dilate_disk(true_MHW, radius)).sum((1, 2)),
                    (true_MHW & dilate_disk(predicted_MHW, radius)).sum((1, 2)),
                ),
                dim=-1,
            )
            for radius in tolerances_px
        ]
    )
    return sizes_M2.unflatten(0, shape_NK), hits_TM2.unflatten(1, shape_NK).transpose(0, 1)


def boundary_f(sizes_NK2: Tensor, hits_NK2: Tensor) -> Tensor:
    """(N,K) float64: harmonic mean of precision and recall.

    0 where only one contour is empty; NaN where both are (the public tools say 1, which lifts the
    mean of every class that is rarely there).
    """
    rate_NK2 = hits_NK2.double() / sizes_NK2.clamp(min=1)
    total_NK = rate_NK2.sum(dim=-1)
    f_NK = 2 * rate_NK2.prod(dim=-1) / total_NK.clamp(min=1e-12)
    return f_NK.masked_fill((sizes_NK2 == 0).all(dim=-1), math.nan)
