"""Scaled and cropped images, gathered from a device's memory by tables of their sides.

Shape letters: B images, C bands, R rows of the images that a crop needs, M rows and N columns of
the result, T pixels that one is made of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data.device_lists import DeviceImages, on_device
from trainables.data.resampling import Side

Prepare = Callable[[Tensor], Tensor]
"""Stored values to those that are augmented: bytes as they are, or floats."""


@dataclass(frozen=True)
class _Sides:
    """The tables of one side of a batch's images, on the device."""

    first_BM: Tensor
    shares_BMT: Tensor
    nearest_BM: Tensor
    bits_B: Tensor
    last_B1: Tensor
    """The last pixel of each image's side."""
    low_B1: Tensor
    """The first pixel that is needed of it."""
    needed: int
    """How many pixels are needed from there on, at most."""

    @classmethod
    def of(
        cls, sides: Sequence[Side], before_B: NDArray[np.int64], whole: bool, device: torch.device
    ) -> "_Sides":
        """``whole``: whether pixels are whole numbers, and shares too."""
        length = max(len(one.first_M) for one in sides)
        taps = max(one.shares_MT.shape[1] for one in sides)
        shares = [
            one.whole_shares_MT if whole else one.shares_MT.astype(np.float32) for one in sides
        ]
        padded = [_padded(x, length, taps) for x in shares]
        low_B = np.array([one.first_M.min() for one in sides])
        high_B = np.array([one.first_M.max() for one in sides])
        return cls(
            on_device(np.stack([_longer(one.first_M, length) for one in sides]), device),
            on_device(np.stack(padded), device),
            on_device(np.stack([_longer(one.nearest_M, length) for one in sides]), device),
            on_device(np.array([one.bits for one in sides], dtype=np.int32), device),
            on_device(before_B[:, None] - 1, device),
            on_device(low_B[:, None], device),
            int((high_B - low_B).max()) + taps,
        )

    @property
    def taps(self) -> int:
        return self.shares_BMT.shape[2]

    def at(self, tap: int) -> Tensor:
        """(B,M): the pixels with this share."""
        return torch.minimum(self.first_BM + tap, self.last_B1)

    def rounded(self, sum_: Tensor) -> Tensor:
        """Bytes of a sum of bytes times whole shares (B,...,...,C); a sum of floats as it is."""
        if sum_.dtype == torch.float32:
            return sum_
        bits = self.bits_B.view(-1, 1, 1, 1)
        half = torch.bitwise_left_shift(torch.ones_like(bits), bits - 1)
        return torch.bitwise_right_shift(sum_ + half, bits).clamp(0, 255)


def _longer(table_M: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.pad(table_M, (0, length - len(table_M)), mode="edge")


def _padded(shares_MT: NDArray[np.generic], length: int, taps: int) -> NDArray[np.generic]:
    rows, columns = shares_MT.shape
    return np.pad(shares_MT, ((0, length - rows), (0, taps - columns)))


def resized(
    images: DeviceImages, rows: Sequence[Side], columns: Sequence[Side], prepare: Prepare
) -> tuple[Tensor, Tensor]:
    """Images (B,M,N,C), bytes or floats as ``prepare`` gives them, and labels uint8 (B,M,N).

    As in PyTorch, rows are resized across first, and bytes are rounded to bytes in between.
    Where tables differ in length, shorter ones are filled up by what nobody reads.
    """
    device = images.device
    whole = prepare(images.pixels_PC[:0]).dtype == torch.uint8
    y = _Sides.of(rows, images.sizes_N2[:, 0], whole, device)
    x = _Sides.of(columns, images.sizes_N2[:, 1], whole, device)
    first_B11 = on_device(images.first_N, device).view(-1, 1, 1)
    width_B11 = on_device(images.width_N, device).view(-1, 1, 1)
    row_BM1 = first_B11 + width_B11 * y.nearest_BM.unsqueeze(2)
    labels_BMN = images.labels_P[row_BM1 + x.nearest_BM.unsqueeze(1)]
    if y.taps == x.taps == 1:
        row_BM1 = first_B11 + width_B11 * y.first_BM.unsqueeze(2)
        return prepare(images.pixels_PC[row_BM1 + x.first_BM.unsqueeze(1)]), labels_BMN
    row_BR = torch.minimum(y.low_B1 + torch.arange(y.needed, device=device), y.last_B1)
    row_BR1 = first_B11 + width_B11 * row_BR.unsqueeze(2)
    across_BRNC = _sum(
        lambda tap: prepare(images.pixels_PC[row_BR1 + x.at(tap).unsqueeze(1)]),
        lambda tap: x.shares_BMT[:, None, :, tap, None],
        x.taps,
    )
    across_SNC = x.rounded(across_BRNC).flatten(0, 1)
    begin_B1 = torch.arange(len(images), device=device).unsqueeze(1) * y.needed - y.low_B1
    down_BMNC = _sum(
        lambda tap: across_SNC[begin_B1 + y.at(tap)],
        lambda tap: y.shares_BMT[:, :, None, tap, None],
        y.taps,
    )
    down_BMNC = y.rounded(down_BMNC)
    return down_BMNC.byte() if whole else down_BMNC, labels_BMN


def _sum(values: Callable[[int], Tensor], shares: Callable[[int], Tensor], taps: int) -> Tensor:
    """Of values times shares, tap by tap; of bytes in 32 bits."""
    total = values(0) * shares(0)
    for tap in range(1, taps):
        total = total + values(tap) * shares(tap)
    return total


def sampled(
    images: DeviceImages, x_BHW: Tensor, y_BHW: Tensor, prepare: Prepare, fill: float, void: int
) -> tuple[Tensor, Tensor]:
    """Images (B,H,W,C), interpolated linearly at these columns x and rows y, and nearest labels.

    Args:
        fill: the images' value outside.
        void: the labels'.
    """
    sizes_B2 = on_device(images.sizes_N2, images.device)
    last_y, last_x = (sizes_B2[:, axis].view(-1, 1, 1) - 1 for axis in (0, 1))
    first_B11 = on_device(images.first_N, images.device).view(-1, 1, 1)
    width_B11 = on_device(images.width_N, images.device).view(-1, 1, 1)

    def looked_up(row_BHW: Tensor, column_BHW: Tensor) -> tuple[Tensor, Tensor]:
        row, column = (
            torch.minimum(at.clamp(min=0), last)
            for at, last in ((row_BHW, last_y), (column_BHW, last_x))
        )
        inside_BHW = (row == row_BHW) & (column == column_BHW)
        return first_B11 + width_B11 * row + column, inside_BHW

    def tap(down: int, right: int) -> Tensor:
        index_BHW, inside_BHW = looked_up(top_BHW + down, left_BHW + right)
        values_BHWC = prepare(images.pixels_PC[index_BHW]).float()
        return values_BHWC.masked_fill(~inside_BHW.unsqueeze(3), fill)

    left_BHW, top_BHW = x_BHW.floor().long(), y_BHW.floor().long()
    part_x, part_y = (x_BHW - left_BHW).unsqueeze(3), (y_BHW - top_BHW).unsqueeze(3)
    upper, lower = (tap(down, 0) + part_x * (tap(down, 1) - tap(down, 0)) for down in (0, 1))
    values_BHWC = upper + part_y * (lower - upper)
    if prepare(images.pixels_PC[:0]).dtype == torch.uint8:
        values_BHWC = values_BHWC.round().clamp(0, 255).byte()
    index_BHW, inside_BHW = looked_up(y_BHW.round().long(), x_BHW.round().long())
    return values_BHWC, images.labels_P[index_BHW].masked_fill(~inside_BHW, void)
