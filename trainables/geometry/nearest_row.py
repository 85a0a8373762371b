"""The second half of a distance transform, without a decision that depends on values.

Shape letters: N maps, W columns, H rows, Q rows that are solved at once.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class _Columns(NamedTuple):
    """What does not change from step to step."""

    heights_NWH: Tensor
    """square(r) + r^2 + 2 r of every row r: less 2 r (x + 1), it is square(r) + (x - r)^2 - x^2."""
    rows_NWH: Tensor
    """int32: r itself."""
    apart: int
    """Times a segment's number, it sets its keys below those of the segments before it."""


def lower_envelope(square_NWH: Tensor, largest: int) -> Tensor:
    """(N,W,H) int32: the least of square(r) + (row - r)^2 over all rows r of its column.

    The r that attains it never decreases from row to row (the matrix is totally monotone: Aggarwal
    et al., Algorithmica 1987). So it is found for the middle row first, then for the rows at the
    quarters, each between the answers of its neighbours, and so on: log2(H) steps, each of a few
    operations on every pixel, whatever the values are. Of several such r, any will do.

    Args:
        square_NWH: int32, 0..largest; a column's rows lie beside each other in memory.
        largest: at most 2**30, as is H**2.
    """
    images, columns, rows = square_NWH.shape
    row_H = torch.arange(rows, dtype=torch.int32, device=square_NWH.device)
    end = 1 << rows.bit_length()
    spread = largest + 2 * end**2
    apart = spread // 2 + 1  # numbers of segments are odd, so two of them differ by two
    fits = end * apart + spread + 2 * end**2 < 2**31
    heights_NWH = square_NWH + (row_H * row_H).add_(row_H, alpha=2).to(
        torch.int32 if fits else torch.int64
    )
    fixed = _Columns(heights_NWH, row_H.expand(square_NWH.shape).contiguous(), apart)
    last_NWQ = row_H.new_full((images, columns, 1), rows - 1)
    step = end // 2
    while step:
        last_NWQ = _refined(fixed, last_NWQ, step)
        step //= 2
    nearest_NWH = last_NWQ[..., :rows]
    away_NWH = row_H - nearest_NWH
    return square_NWH.gather(2, nearest_NWH.long()).addcmul_(away_NWH, away_NWH)


def _refined(fixed: _Columns, last_NWQ: Tensor, step: int) -> Tensor:
    """The nearest rows of rows ``step - 1``, ``2 step - 1`` and so on, given every other one, and
    the last row of all.

    These split each column into segments, in which the candidates of the rows between them lie.
    """
    dtype = fixed.heights_NWH.dtype
    number_NWH = torch.searchsorted(last_NWQ, fixed.rows_NWH, right=True, out_int32=True)
    number_NWH = number_NWH.mul_(2).add_(1).to(dtype)
    slope_H = fixed.rows_NWH[0, 0].to(dtype) * (-2 * step) - fixed.apart
    key_NWH = torch.addcmul(fixed.heights_NWH, number_NWH, slope_H)
    # Keys fall from one segment to the next, so a running minimum starts anew in each.
    running_NWH, place_NWH = key_NWH.cummin(dim=2)
    first_NWQ = torch.cat((torch.zeros_like(last_NWQ[..., :1]), last_NWQ[..., :-1]), dim=2)
    # A segment ends before its last candidate, which the next one begins with.
    ending_NWQ = last_NWQ.long()
    before_NWQ = (ending_NWQ - 1).clamp_(min=0)
    number_Q = torch.arange(1, 2 * last_NWQ.shape[2], 2, dtype=dtype, device=last_NWQ.device)
    slope_NWQ = last_NWQ.to(dtype) * (-2 * step) - fixed.apart
    key_NWQ = torch.addcmul(fixed.heights_NWH.gather(2, ending_NWQ), number_Q, slope_NWQ)
    inside_NWQ = (last_NWQ > first_NWQ) & (running_NWH.gather(2, before_NWQ) < key_NWQ)
    found_NWQ = torch.where(inside_NWQ, place_NWH.gather(2, before_NWQ).to(torch.int32), last_NWQ)
    return torch.stack((found_NWQ, last_NWQ), dim=3).flatten(2)
