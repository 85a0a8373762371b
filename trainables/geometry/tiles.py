"""Cutting maps into square tiles.

Shape letters: B images, H rows, W columns, T tiles, S tile side.
"""

import torch.nn.functional as F
from torch import Tensor


def split_tiles(map_BHW: Tensor, tile: int) -> Tensor:
    """(B,T,S,S): the tiles of each image, row by row.

    A map whose sides are not multiples of ``tile`` is padded with zeros on the right and at the
    bottom, so that no pixel is dropped.

    Raises:
        ValueError: the tile is larger than the map.
    """
    rows, columns = map_BHW.shape[1:]
    if tile > min(rows, columns):
        shorter = min(rows, columns)
        raise ValueError(f"tile must be at most {shorter}, the map's shorter side, got {tile}")
    # -n % tile is what n lacks to a multiple of the tile.
    map_BHW = F.pad(map_BHW, (0, -columns % tile, 0, -rows % tile))
    tiles_BTSS = map_BHW.unfold(1, tile, tile).unfold(2, tile, tile)
    return tiles_BTSS.flatten(1, 2)
