"""Exact Euclidean distance transforms, batched, on the device the tensors are on.

Shape letters: N maps, H rows, W columns.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.device import on_cpu
from trainables.geometry.nearest_row import lower_envelope

try:
    import cv2
except ImportError:  # it is faster than scipy, no more
    cv2 = None  # type: ignore[assignment]

NO_SITE = 2**30
"""The squared distance in a map without any site."""

LONGEST = 32_767
"""Of a map's diagonal: every squared distance is below ``NO_SITE`` then, and fits in int32."""

_CHECK_EVERY = 8
_PIXELS = 2**24
"""Of the maps that ``device_pass`` computes at once: 1 GiB of intermediate integers."""
_BLOCK = 32
_OPENCV_SIDE = 1024
"""Longest side for which OpenCV's float32 is exact. It computes where two parabolas meet to 2e-4 of
a pixel, and that point is a pixel or at least 4.8e-4 away from one; and squaring the root of an
integer below 2**21 gives that integer back. This holds for OpenCV's own code, not for Intel's IPP,
which replaces it on one thread: that loses a pixel of the square from 885 pixels on."""


def squared_distance(sites_NHW: Tensor, spacing: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """(N,H,W): squared distance in pixels from each pixel to the nearest site of its map.

    int32 and exact for unit spacing, else float64; ``NO_SITE`` throughout a map without sites.
    The fastest algorithm differs: on a CPU, maps with sites close together take the parabola pass
    below, others OpenCV's transform, or scipy's where that is missing or not exact. On a GPU it is
    ``device_pass``, for which the host never waits, or the parabola pass for another spacing.

    Args:
        sites_NHW: bool.
        spacing: height and width of a pixel.

    Raises:
        ValueError: ``sites_NHW`` is not a bool tensor of three dimensions, or its maps have a
            diagonal above ``LONGEST`` (times the spacing).
    """
    if sites_NHW.dtype != torch.bool or sites_NHW.dim() != 3:
        raise ValueError(
            "sites_NHW must be bool of shape (N,H,W), "
            f"got {sites_NHW.dtype} of shape {tuple(sites_NHW.shape)}"
        )
    rows, columns = sites_NHW.shape[1:]
    diagonal = math.hypot((rows - 1) * spacing[0], (columns - 1) * spacing[1])
    if not diagonal <= LONGEST:
        raise ValueError(f"sites_NHW must have a diagonal of at most {LONGEST}, got {diagonal:.0f}")
    if sites_NHW.numel() == 0:
        return torch.zeros(sites_NHW.shape, dtype=torch.int32, device=sites_NHW.device)
    if not on_cpu(sites_NHW):
        return (
            device_pass(sites_NHW) if spacing == (1.0, 1.0) else parabola_pass(sites_NHW, spacing)
        )
    squares = [_on_cpu(sites_HW, spacing) for sites_HW in sites_NHW]
    return squares[0].unsqueeze(0) if len(squares) == 1 else torch.stack(squares)


def no_site(sites_NHW: Tensor) -> Tensor:
    """Bool (N,1,1): whether a map has no site."""
    return ~sites_NHW.flatten(1).any(dim=1).view(-1, 1, 1)


def parabola_pass(sites_NHW: Tensor, spacing: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """``squared_distance`` by brute force along one axis: min over k of g(x+k)^2 + k^2.

    g is the distance along the longer axis. The pass over the shorter one stops as soon as k^2
    exceeds every squared distance found, so its cost depends on the farthest pixel; it looks every
    eight rows, for which a host waits.
    """
    if sites_NHW.shape[1] > sites_NHW.shape[2]:
        flipped = parabola_pass(sites_NHW.transpose(1, 2), (spacing[1], spacing[0]))
        return flipped.transpose(1, 2)
    line_NHW = _distance_along_rows(sites_NHW)
    empty_NHW = line_NHW >= _far(line_NHW.shape[2])
    square_NHW = line_NHW.double().mul_(spacing[1]).square_()
    if spacing == (1.0, 1.0):
        square_NHW = square_NHW.to(torch.int32)
    square_NHW.masked_fill_(empty_NHW, NO_SITE)
    return _sweep(square_NHW, square_NHW.clone(), spacing[0]).clamp_(max=NO_SITE)


def device_pass(sites_NHW: Tensor) -> Tensor:
    """``squared_distance`` of unit spacing, at a cost that no value decides.

    The distance along the longer axis, then ``lower_envelope`` over the shorter one, on so many
    maps at once as keep a device busy.
    """
    if sites_NHW.shape[1] > sites_NHW.shape[2]:
        return device_pass(sites_NHW.transpose(1, 2)).transpose(1, 2)
    at_once = max(_PIXELS // sites_NHW[0].numel(), 1)
    return torch.cat([_both_passes(part_NHW) for part_NHW in sites_NHW.split(at_once)])


def _both_passes(sites_NHW: Tensor) -> Tensor:
    _, rows, columns = sites_NHW.shape
    column_W = torch.arange(columns, dtype=torch.int32, device=sites_NHW.device)
    # Outside the map lie sites so far away that no distance to a true one is as long.
    far = math.isqrt(rows**2 + columns**2) + 1
    left_NHW = column_W - torch.where(sites_NHW, column_W, -far).cummax(dim=2).values
    right_NHW = torch.where(sites_NHW, column_W, columns + far).flip(2).cummin(dim=2).values.flip(2)
    line_NHW = left_NHW.minimum(right_NHW.sub_(column_W)).clamp_(max=far)
    line_NWH = line_NHW.transpose(1, 2).contiguous()
    square_NHW = lower_envelope(line_NWH.mul_(line_NWH), far**2).transpose(1, 2)
    return square_NHW.masked_fill(square_NHW >= far**2, NO_SITE)


def _sweep(square_NHW: Tensor, best_NHW: Tensor, spacing: float = 1.0) -> Tensor:
    """Lower ``best`` to the least of square(row + k) + k^2 over all k; in place.

    Stops when k^2 exceeds every value, which it checks every eight rows.
    """
    offer_NHW = torch.empty_like(square_NHW)
    for k in range(1, square_NHW.shape[1]):
        step = (k * spacing) ** 2 if square_NHW.is_floating_point() else k * k
        if k % _CHECK_EVERY == 0 and best_NHW.max() <= step:
            break
        torch.add(square_NHW, step, out=offer_NHW)
        _lower(best_NHW[:, :-k], offer_NHW[:, k:])
        _lower(best_NHW[:, k:], offer_NHW[:, :-k])
    return best_NHW


def _lower(values: Tensor, candidates: Tensor) -> None:
    torch.minimum(values, candidates, out=values)


def _far(columns: int) -> int:
    """Stands for "no site in this row": above any distance, and within 16 bits if possible."""
    return 2**14 if columns < 2**14 else 2**29


def _distance_along_rows(sites_NHW: Tensor) -> Tensor:
    """int (N,H,W): distance to the nearest site of the same row, else ``_far``; by doubling."""
    far = _far(sites_NHW.shape[2])
    dtype = torch.int16 if far < 2**15 else torch.int32
    line_NHW = torch.where(sites_NHW, 0, far).to(dtype)
    step = 1
    while step < sites_NHW.shape[2]:
        _lower(line_NHW[..., step:], line_NHW[..., :-step] + step)
        _lower(line_NHW[..., :-step], line_NHW[..., step:] + step)
        step *= 2
    return line_NHW


def _on_cpu(sites_HW: Tensor, spacing: tuple[float, float]) -> Tensor:
    if spacing == (1.0, 1.0) and _sites_are_close(sites_HW):
        return _close_pass(sites_HW.unsqueeze(0)).squeeze(0)
    if not sites_HW.numpy().any():  # ten times as fast as torch's any()
        dtype = torch.int32 if spacing == (1.0, 1.0) else torch.float64
        return torch.full(sites_HW.shape, NO_SITE, dtype=dtype)
    if cv2 is not None and spacing == (1.0, 1.0) and max(sites_HW.shape) <= _OPENCV_SIDE:
        return _by_opencv(sites_HW)
    down_HW, right_HW = _to_nearest_site(sites_HW, spacing)
    if spacing == (1.0, 1.0):
        # Not square(): on integers that is pow(), ten times as slow.
        return (down_HW * down_HW).addcmul_(right_HW, right_HW)
    return (down_HW.double() * spacing[0]).square() + (right_HW.double() * spacing[1]).square()


def _by_opencv(sites_HW: Tensor) -> Tensor:
    away_HW = np.logical_not(sites_HW.numpy()).view(np.uint8)
    with _without_ipp():
        distance_HW = cv2.distanceTransform(away_HW, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return torch.from_numpy(distance_HW).square_().round_().to(torch.int32)


@contextmanager
def _without_ipp() -> Iterator[None]:
    """OpenCV's own code in this thread, of which the choice is a property."""
    before = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.ipp.setUseIPP(before)


def _to_nearest_site(sites_HW: Tensor, spacing: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Rows down and columns right to the nearest site, int32 (H,W) each: scipy's transform.

    It runs down columns. If the row length is a power of two, as it often is, the pixels of a
    column map to few cache lines, and it takes twice as long: hence the wider copy.
    """
    # scipy changes the process's warnings; whoever only imports the losses should not notice.
    from scipy.ndimage import distance_transform_edt

    rows, columns = sites_HW.shape
    width = columns + (16 - columns) % 32
    away_HX = np.ones((rows, width), dtype=np.bool_)
    np.logical_not(sites_HW.numpy(), out=away_HX[:, :columns])
    nearest_2HX = np.empty((2, rows, width), dtype=np.int32)
    distance_transform_edt(
        away_HX,
        sampling=None if spacing == (1.0, 1.0) else spacing,
        return_distances=False,
        return_indices=True,
        indices=nearest_2HX,
    )
    down_HX, right_HX = torch.from_numpy(nearest_2HX)
    down_HX -= torch.arange(rows, dtype=torch.int32).unsqueeze(1)
    right_HX -= torch.arange(width, dtype=torch.int32)
    return down_HX[:, :columns], right_HX[:, :columns]


def _close_pass(sites_1HW: Tensor) -> Tensor:
    """``parabola_pass`` in 16 bits, for close sites: every distance is below that of 2 x 2 blocks.

    Distances along a row can be longer, but clamping those that are twice as far changes nothing,
    and their squares plus any k^2 that is tried still fit.
    """
    if sites_1HW.shape[1] > sites_1HW.shape[2]:
        return _close_pass(sites_1HW.transpose(1, 2)).transpose(1, 2)
    line_1HW = _distance_along_rows(sites_1HW).clamp_(max=4 * _BLOCK).to(torch.int16)
    square_1HW = line_1HW * line_1HW
    return _sweep(square_1HW, square_1HW.clone()).to(torch.int32)


def _sites_are_close(sites_HW: Tensor) -> bool:
    """Whether every block of the map has a site in it or in a block beside it.

    Then all distances are short. An empty corner is checked first, since that is faster.
    """
    near, far = slice(None, 2 * _BLOCK), slice(-2 * _BLOCK, None)
    array_HW = sites_HW.numpy()
    if not all(array_HW[r, c].any() for r in (near, far) for c in (near, far)):
        return False
    blocks_11HW = F.max_pool2d(sites_HW[None, None].float(), _BLOCK, ceil_mode=True)
    return bool(F.max_pool2d(blocks_11HW, 3, stride=1, padding=1).min() > 0)
