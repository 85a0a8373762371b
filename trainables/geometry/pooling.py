"""Means over the cells of a grid, also in a form that repeats to the last bit on a GPU.

torch's gradient of adaptive pooling adds up in no fixed order on a GPU; matrix products do not.
Shape letters: B images, D channels, H rows, W columns, S cells a side.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cell_means(map_BDHW: Tensor, size: tuple[int, int]) -> Tensor:
    """(B,D,*size): ``adaptive_avg_pool2d``; as products where deterministic forms are required.

    Cell i of S goes from row floor(i H / S) up to row ceil((i + 1) H / S), without it.
    """
    if not torch.are_deterministic_algorithms_enabled():
        return F.adaptive_avg_pool2d(map_BDHW, size)
    with torch.autocast(map_BDHW.device.type, enabled=False):  # or the products would be rounded
        full_BDHW = map_BDHW.to(torch.promote_types(map_BDHW.dtype, torch.float32))
        rows_SH, columns_SW = (_shares(full_BDHW, axis, size[axis]) for axis in (0, 1))
        return (rows_SH @ full_BDHW @ columns_SW.T).to(map_BDHW.dtype)


def _shares(map_BDHW: Tensor, axis: int, cells: int) -> Tensor:
    """(S,H) or (S,W): the weight of each row or column in the mean of each cell."""
    length = map_BDHW.shape[2 + axis]
    place_H = torch.arange(length, device=map_BDHW.device)
    cell_S1 = torch.arange(cells, device=map_BDHW.device).unsqueeze(1)
    begin_S1, end_S1 = cell_S1 * length // cells, -(-(cell_S1 + 1) * length // cells)
    inside_SH = (begin_S1 <= place_H) & (place_H < end_S1)
    return inside_SH.to(map_BDHW.dtype) / (end_S1 - begin_S1)
