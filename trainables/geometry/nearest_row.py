"""The second half of a distance transform, without a decision that depends on values.

Shape letters: N maps, W columns, H rows, Q rows that are solved at once.
"""

import torch
from torch import Tensor


def lower_envelope(square_NWH: Tensor, largest: int) -> Tensor:
    """(N,W,H) int32: the least of square(r) + (x - r)^2 over all rows r, for every row x.

    The r that attains it never decreases from row to row (the matrix is totally monotone: Aggarwal
    et al., Algorithmica 1987). So it is found for the middle row first, then for the rows at the
    quarters, each between the answers of its neighbours, and so on: log2(H) steps, each of a few
    operations on every pixel, whatever the values are. Of several such r, any will do.

    Args:
        square_NWH: int32, 0..largest; a column's rows lie beside each other in memory.
        largest: at most 2**30, as is H**2.
    """
    rows = square_NWH.shape[2]
    row_H = torch.arange(rows, dtype=torch.int32, device=square_NWH.device)
    end = 1 << rows.bit_length()
    fits = largest + 4 * end**2 < 2**31
    from_1_H = row_H + 1 if fits else row_H.long() + 1
    height_NWH = square_NWH + from_1_H * from_1_H
    row_NWH = row_H.expand(square_NWH.shape).contiguous()
    last_NWQ = torch.full_like(square_NWH[..., :1], rows - 1)
    step = end // 2
    while step:
        last_NWQ = _refined(height_NWH, row_NWH, last_NWQ, step)
        step //= 2
    nearest_NWH = last_NWQ[..., :rows]
    away_NWH = row_H - nearest_NWH
    return square_NWH.gather(2, nearest_NWH.long()).addcmul_(away_NWH, away_NWH)


def _refined(height_NWH: Tensor, row_NWH: Tensor, last_NWQ: Tensor, step: int) -> Tensor:
    """The nearest rows of rows ``step - 1``, ``2 step - 1`` and so on, given every other one, and
    the last row of all.

    These split each column into segments, each with the candidates of one row x between them. The
    key of a candidate r is square(r) + (x - r)^2 - (x + 1)^2, which is height - 2 (r + 1) (x + 1).
    Those of earlier segments, with smaller x, are larger than they would be for this x, and for
    this x no row outside the segment is better. So a running minimum over all rows before is that
    of the segment.
    """
    dtype = height_NWH.dtype
    number_NWH = torch.searchsorted(last_NWQ, row_NWH, right=True, out_int32=True)
    number_NWH = number_NWH.mul_(2).add_(1).to(dtype)
    slope_H = (row_NWH[0, 0].to(dtype) + 1) * (-2 * step)
    running_NWH, place_NWH = torch.addcmul(height_NWH, number_NWH, slope_H).cummin(dim=2)
    # A segment ends before its last candidate, with which the next one begins.
    ending_NWQ = last_NWQ.long()
    before_NWQ = (ending_NWQ - 1).clamp_(min=0)
    number_Q = torch.arange(1, 2 * last_NWQ.shape[2], 2, dtype=dtype, device=last_NWQ.device)
    slope_NWQ = (last_NWQ.to(dtype) + 1) * (-2 * step)
    key_NWQ = torch.addcmul(height_NWH.gather(2, ending_NWQ), number_Q, slope_NWQ)
    inside_NWQ = running_NWH.gather(2, before_NWQ) < key_NWQ
    found_NWQ = torch.where(inside_NWQ, place_NWH.gather(2, before_NWQ).to(torch.int32), last_NWQ)
    return torch.stack((found_NWQ, last_NWQ), dim=3).flatten(2)
