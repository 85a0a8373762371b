"""Exact Euclidean distance transforms, batched, on the device the tensors are on.

Shape letters: N maps, H rows, W columns.
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

NO_SITE = 2**30
"""Squared distance where a map has no site at all."""

_CHECK_EVERY = 8
_BLOCK = 32
_OPENCV_SIDE = 1024
"""Up to here OpenCV's float32 is exact: where two parabolas meet is known to 2e-4 of a pixel and
lies 5e-4 or more from one unless it is one; and the root of a square below 2**21 gives it back."""

cv2.setNumThreads(0)  # a lane's workers share the cores; torch's thread count is for all of it


def squared_distance(sites_NHW: Tensor, spacing: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """(N,H,W): squared distance in pixels from each pixel to the nearest site of its map.

    int32 and exact for unit spacing, else float64; ``NO_SITE`` throughout a map without sites.
    On a CPU a map whose sites lie close together takes the parabola pass below, the others OpenCV's
    transform, and scipy's where that is not exact: whichever is fastest. On a GPU the parabola pass
    asks the host every eight rows whether it may stop; that is its only synchronisation.

    Args:
        sites_NHW: bool.
        spacing: height and width of a pixel.

    Raises:
        ValueError: if ``sites_NHW`` is not a bool tensor of three dimensions.
    """
    if sites_NHW.dtype != torch.bool or sites_NHW.dim() != 3:
        raise ValueError(
            "sites_NHW must be bool of shape (N,H,W), "
            f"got {sites_NHW.dtype} of shape {tuple(sites_NHW.shape)}"
        )
    if sites_NHW.numel() == 0:
        return torch.zeros(sites_NHW.shape, dtype=torch.int32, device=sites_NHW.device)
    if sites_NHW.device.type != "cpu":
        return parabola_pass(sites_NHW, spacing)
    squares = [_on_cpu(sites_HW, spacing) for sites_HW in sites_NHW]
    return squares[0].unsqueeze(0) if len(squares) == 1 else torch.stack(squares)


def no_site(sites_NHW: Tensor) -> Tensor:
    """Bool (N,1,1): the maps without a single site."""
    return ~sites_NHW.flatten(1).any(dim=1).view(-1, 1, 1)


def parabola_pass(sites_NHW: Tensor, spacing: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """``squared_distance`` by brute force in one axis: min over k of g(x+k)^2 + k^2.

    g is the distance along the longer axis. The pass over the shorter one stops as soon as k^2
    exceeds every distance found, so its cost is set by the farthest pixel.
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
    return lower_envelope(square_NHW, square_NHW.clone(), spacing[0]).clamp_(max=NO_SITE)


def lower_envelope(square_NHW: Tensor, best_NHW: Tensor, spacing: float = 1.0) -> Tensor:
    """Lower ``best`` to the least of square(row + k) + k^2 over all k; in place.

    Stops as soon as k^2 exceeds every value, which it asks every eight rows.
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
    """What stands for "no site in the row": more than any distance, and fit for 16 bits if any."""
    return 2**14 if columns < 2**14 else 2**29


def _distance_along_rows(sites_NHW: Tensor) -> Tensor:
    """Whole (N,H,W): distance to the nearest site of the same row, by doubling; far is far."""
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
    if not sites_HW.numpy().any():  # torch's any() is ten times as slow
        dtype = torch.int32 if spacing == (1.0, 1.0) else torch.float64
        return torch.full(sites_HW.shape, NO_SITE, dtype=dtype)
    if spacing == (1.0, 1.0) and max(sites_HW.shape) <= _OPENCV_SIDE:
        return _by_opencv(sites_HW)
    down_HW, right_HW = _to_nearest_site(sites_HW, spacing)
    if spacing == (1.0, 1.0):
        # Not square(): on whole numbers that is a power, ten times as slow.
        return (down_HW * down_HW).addcmul_(right_HW, right_HW)
    return (down_HW.double() * spacing[0]).square() + (right_HW.double() * spacing[1]).square()


def _by_opencv(sites_HW: Tensor) -> Tensor:
    away_HW = np.logical_not(sites_HW.numpy()).view(np.uint8)
    distance_HW = cv2.distanceTransform(away_HW, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return torch.from_numpy(distance_HW).square_().round_().to(torch.int32)


def _to_nearest_site(sites_HW: Tensor, spacing: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Rows down and columns right to the nearest site, int32 (H,W) each: scipy's transform.

    It walks down columns. Where rows lie a power of two apart, as they often do, the pixels of a
    column share so few lines of the cache that it takes twice as long: hence the wider copy.
    """
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
    """``parabola_pass`` in 16 bits, for sites that are close: no distance reaches 2 blocks by 2.

    Along a row it can; but what is twice as far does not matter, and its square still fits with
    any k^2 that is tried.
    """
    if sites_1HW.shape[1] > sites_1HW.shape[2]:
        return _close_pass(sites_1HW.transpose(1, 2)).transpose(1, 2)
    line_1HW = _distance_along_rows(sites_1HW).clamp_(max=4 * _BLOCK).to(torch.int16)
    square_1HW = line_1HW * line_1HW
    return lower_envelope(square_1HW, square_1HW.clone()).to(torch.int32)


def _sites_are_close(sites_HW: Tensor) -> bool:
    """Whether every block of the map, or one beside it, holds a site: then distances are short.

    That cannot be if a corner is empty, which is quicker to see.
    """
    near, far = slice(None, 2 * _BLOCK), slice(-2 * _BLOCK, None)
    array_HW = sites_HW.numpy()
    if not all(array_HW[r, c].any() for r in (near, far) for c in (near, far)):
        return False
    blocks_11HW = F.max_pool2d(sites_HW[None, None].float(), _BLOCK, ceil_mode=True)
    return bool(F.max_pool2d(blocks_11HW, 3, stride=1, padding=1).min() > 0)
