"""Resizing along one side as a table: of which pixels each new pixel is made, and in which shares.

The tables repeat what PyTorch does on a CPU, so that a device can gather just the pixels of a crop
and get the same bytes: bilinear with antialiasing as in ``upsample_bilinear2d_aa`` (whole numbers
with shares of 16 bits, as Pillow's), and ``nearest``.
Shape letters: M pixels along the new side, T pixels that one is made of.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LARGEST_SHARE = 1 << 15
_MOST_BITS = 22


@dataclass(frozen=True)
class Side:
    """One side of an image that is resized, cropped and mirrored."""

    first_M: NDArray[np.int64]
    """The first of the pixels that the new one is made of; the others follow it."""
    shares_MT: NDArray[np.float64]
    """Their shares, which sum to 1."""
    nearest_M: NDArray[np.int64]
    """Whose label the new pixel has."""
    bits: int
    """Shares are rounded to multiples of 2 ** -bits where pixels are whole numbers."""

    @property
    def whole_shares_MT(self) -> NDArray[np.int32]:
        """The shares, times 2 ** bits."""
        return np.floor(0.5 + self.shares_MT * (1 << self.bits)).astype(np.int32)

    def picked(self, places: NDArray[np.int64]) -> "Side":
        """The table of these new pixels alone."""
        first_M, shares_MT = self.first_M[places], self.shares_MT[places]
        return Side(first_M, shares_MT, self.nearest_M[places], self.bits)


def side(before: int, after: int) -> Side:
    """The table of a side of ``before`` pixels that gets ``after``."""
    if before == after:
        same_M = np.arange(before)
        return Side(same_M, np.ones((before, 1)), same_M, bits=1)
    first_M, shares_MT = _antialiased(before, after)
    return Side(first_M, shares_MT, nearest(before, after), _bits(float(shares_MT.max())))


def _antialiased(before: int, after: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A triangle around each new pixel's middle, as wide as the coarser of the two grids."""
    scale = before / after
    reach = max(scale, 1.0)
    middle_M = scale * (np.arange(after) + 0.5)
    first_M = np.maximum((middle_M - reach + 0.5).astype(np.int64), 0)
    end_M = np.minimum((middle_M + reach + 0.5).astype(np.int64), before)
    at_MT = first_M[:, None] + np.arange(int(np.ceil(reach)) * 2 + 1)
    shares_MT = np.maximum(1 - np.abs(at_MT - middle_M[:, None] + 0.5) / reach, 0)
    shares_MT[at_MT >= end_M[:, None]] = 0
    shares_MT /= shares_MT.sum(axis=1, keepdims=True)
    used = np.flatnonzero((shares_MT > 0).any(axis=0))
    return first_M, shares_MT[:, : used[-1] + 1]


def nearest(before: int, after: int) -> NDArray[np.int64]:
    """Of ``after`` new pixels, the old one whose label each has."""
    scale = np.float32(before) / np.float32(after)  # PyTorch computes these places in float32
    places_M = np.floor(np.arange(after, dtype=np.float32) * scale).astype(np.int64)
    return np.minimum(places_M, before - 1)


def _bits(largest: float) -> int:
    """The most bits with which the largest share still fits into 16 bits."""
    bits = 0
    while bits < _MOST_BITS and int(0.5 + largest * (1 << (bits + 1))) < _LARGEST_SHARE:
        bits += 1
    return bits
