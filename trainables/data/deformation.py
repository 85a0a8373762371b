"""The deformation of ``warp.py`` as tables of each side, from which a device makes the places.

Rotation, elastic deformation and grid distortion have few numbers an image: those are computed
here, with the same random numbers as on a CPU; a device computes the place of every pixel.
Shape letters: B images, H rows, W columns of a crop, K places of the elastic deformation on a side.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import DataConfig
from trainables.data.images import Size
from trainables.data.warp import PLACES, Draws, angle_of, moved, stretched

_CUBIC = -0.75
"""Of the cubic interpolation, as OpenCV and PyTorch have it."""


@dataclass(frozen=True)
class Deformation:
    """Of one image; every table in the order of the mirrored crop."""

    x_W: NDArray[np.float32]
    y_H: NDArray[np.float32]
    moved_2KW: NDArray[np.float32]
    """By how much x and y move at each of the K rows of places."""
    shares_HK: NDArray[np.float32]
    """Of those rows in each row of the crop."""
    turn: tuple[float, float]
    """Cosine and sine."""

    @classmethod
    def of(
        cls, config: DataConfig, size: Size, draws: Draws, order: tuple[slice, slice]
    ) -> "Deformation":
        """That of a crop.

        Args:
            size: rows and columns of the crop.
            order: of its rows and of its columns; a mirrored side runs backwards.
        """
        (rows, columns), (by_row, by_column) = size, order
        x_W, y_H = (np.arange(side, dtype=np.float32) for side in (columns, rows))
        if config.grid_distortion:
            x_W, y_H = stretched(config, size, draws)
        by_2KK = np.zeros((2, PLACES, PLACES), dtype=np.float32)
        if config.elastic:
            by_2KK = moved(config, draws)
        moved_2KW = by_2KK @ cubic_shares(columns).T
        angle = angle_of(config, draws) if config.rotate else 0.0
        shares_HK = cubic_shares(rows)[by_row]
        turn = (float(np.cos(angle)), float(np.sin(angle)))
        return cls(x_W[by_column], y_H[by_row], moved_2KW[..., by_column], shares_HK, turn)


def cubic_shares(side: int) -> NDArray[np.float32]:
    """(side,K): the shares of K even places in each pixel of a side, cubic; they end repeated."""
    at = (np.arange(side) + 0.5) * (PLACES / side) - 0.5
    first = np.floor(at).astype(np.int64)
    part = at - first
    near = [_near(part), _near(1 - part)]
    taps = [_far(1 + part), *near, 1 - _far(1 + part) - near[0] - near[1]]
    shares = np.zeros((side, PLACES))
    for offset, share in enumerate(taps, start=-1):
        np.add.at(shares, (np.arange(side), (first + offset).clip(0, PLACES - 1)), share)
    return shares.astype(np.float32)


def _near(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1


def _far(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC


def places(
    each: list[Deformation], config: DataConfig, size: Size, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Columns x and rows y (B,H,W) that each pixel of a crop comes from, from the crop's corner."""

    def stacked(tables: list[NDArray[np.float32]]) -> Tensor:
        return torch.from_numpy(np.stack(tables)).to(device)

    x_BHW = stacked([one.x_W for one in each])[:, None, :].expand(-1, *size)
    y_BHW = stacked([one.y_H for one in each])[:, :, None].expand(-1, *size)
    if config.elastic:
        shares_BHK = stacked([one.shares_HK for one in each])
        moved_B2KW = stacked([one.moved_2KW for one in each])
        for place in range(PLACES):  # no matrix product, which a GPU may round to TF32
            by_B2HW = shares_BHK[:, None, :, place, None] * moved_B2KW[:, :, place, None, :]
            x_BHW, y_BHW = x_BHW + by_B2HW[:, 0], y_BHW + by_B2HW[:, 1]
    if config.rotate:
        turn_B2 = stacked([np.array(one.turn, dtype=np.float32) for one in each])
        cos_B11, sin_B11 = turn_B2[:, 0].view(-1, 1, 1), turn_B2[:, 1].view(-1, 1, 1)
        middle_y, middle_x = ((side - 1) / 2 for side in size)
        right_BHW, down_BHW = x_BHW - middle_x, y_BHW - middle_y
        x_BHW = middle_x + cos_B11 * right_BHW - sin_B11 * down_BHW
        y_BHW = middle_y + sin_B11 * right_BHW + cos_B11 * down_BHW
    return x_BHW, y_BHW
