"""Thinning of binary edge maps to lines one pixel wide.

Lam, Lee & Suen, "Thinning methodologies" (PAMI 1992), algorithm A1 in the two-step form of Guo &
Hall, which is what MATLAB documents for ``bwmorph(..., 'thin')`` and edge benchmarks are built on.

Shape letters: H rows, W columns.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_AROUND = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
"""Neighbours x1..x8 as (row, column) offsets: from the east on, counter-clockwise."""


def thin(mask_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The thinned map: two sub-steps in turn, until neither removes a pixel."""
    padded = np.pad(mask_HW, 1).astype(np.uint8)
    inner = padded[1:-1, 1:-1]
    before = -1
    while before != (before := int(inner.sum())):
        for removable in _removable():
            inner[removable[_neighbours(padded)]] = 0
    return inner.astype(bool)


def _neighbours(padded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H,W): bit i is the i-th neighbour."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    code = np.zeros((height, width), dtype=np.uint8)
    for bit, (down, right) in enumerate(_AROUND):
        code |= padded[1 + down : 1 + down + height, 1 + right : 1 + right + width] << bit
    return code


@cache
def _removable() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each sub-step, which of the 256 neighbourhoods lose their centre.

    The centre goes if it is no bridge (crossing number 1), no end and no inner point (2 or 3
    occupied neighbour pairs), and lies on the sub-step's side.
    """
    x = np.array([[code >> bit & 1 for bit in range(8)] for code in range(256)], dtype=bool).T
    after = np.roll(x, -1, axis=0)
    corners, sides, beyond = x[1::2], x[0::2], after[1::2]
    crossings = (~sides & (corners | beyond)).sum(axis=0)
    pairs = np.minimum((sides | corners).sum(axis=0), (corners | beyond).sum(axis=0))
    may = (crossings == 1) & (pairs >= 2) & (pairs <= 3)
    first = (x[1] | x[2] | ~x[7]) & x[0]
    second = (x[5] | x[6] | ~x[3]) & x[4]
    return may & ~first, may & ~second
