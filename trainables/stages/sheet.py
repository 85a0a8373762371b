"""Maps of any sizes below each other in one large map, so that windows of all are cut at once.

Shape letters: N maps, H rows, W columns, R rows of the sheet, C columns of the sheet.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Sheet(NamedTuple):
    """Maps below each other, with blanks between and beside them."""

    map_RC: Tensor
    tops_N: Tensor
    """int64: the row of the sheet at which each map begins; all begin at column ``rim``."""
    sizes_N2: Tensor
    """int64: rows and columns of each map."""


def sheet(
    maps: Sequence[Tensor], blank: float, rim: int = 0, least: tuple[int, int] = (0, 0)
) -> Sheet:
    """Place maps (H,W) below each other.

    Args:
        blank: the value between and beside them.
        rim: blank rows and columns on every side of each map.
        least: rows and columns that each map has at least, with blanks at its bottom and right.
    """
    sizes_N2 = torch.tensor([tuple(one.shape) for one in maps])
    room_N2 = sizes_N2.clamp(min=torch.tensor(least)) + 2 * rim
    ends_N = room_N2[:, 0].cumsum(dim=0)
    tops_N = ends_N - room_N2[:, 0] + rim
    map_RC = maps[0].new_full((int(ends_N[-1]), int(room_N2[:, 1].max())), blank)
    for one, top in zip(maps, tops_N.tolist(), strict=True):
        map_RC[top : top + one.shape[0], rim : rim + one.shape[1]] = one
    return Sheet(map_RC, tops_N, sizes_N2)
