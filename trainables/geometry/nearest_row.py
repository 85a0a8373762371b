"""The second half of a distance transform, without a decision that depends on values.

Shape letters: N maps, H rows, W columns, Q rows that are solved at once.
"""

import torch
from torch import Tensor

_ROW_BITS = 15
_ROW = 2**_ROW_BITS - 1
_VALUE_BITS = 31
"""A key holds, from the top: how many segments follow (15 bits), a value and a row."""


def lower_envelope(square_NHW: Tensor) -> Tensor:
    """(N,H,W) int32: the least of square(r) + (row - r)^2 over all rows r of its column.

    The r that attains it never decreases from row to row (the matrix is totally monotone: Aggarwal
    et al., Algorithmica 1987). So it is found for the middle row first, then for the rows at the
    quarters, each between the answers of its neighbours, and so on: log2(H) steps, each of a few
    operations on every pixel, whatever the values are.

    Args:
        square_NHW: int32, 0..2**30; H is at most 2**15 - 1.
    """
    images, rows, columns = square_NHW.shape
    row_H1 = torch.arange(rows, device=square_NHW.device).unsqueeze(1)
    packed_NHW = (square_NHW.long() << _ROW_BITS) + row_H1
    # Rows whose nearest row is known split each column into segments, and each segment holds the
    # candidates of the one row half way between two of these.
    segment_NHW = torch.zeros_like(packed_NHW)
    last_NQW = row_H1.new_full((images, 1, columns), rows - 1)
    step = 1 << max(rows.bit_length() - 1, 0)
    while step:
        found_NQW = _nearest(packed_NHW, segment_NHW, last_NQW, step)
        beyond_NHW = row_H1 >= found_NQW.gather(1, segment_NHW)
        segment_NHW = torch.add(beyond_NHW, segment_NHW, alpha=2)
        last_NQW = torch.stack((found_NQW, last_NQW), dim=2).flatten(1, 2)
        step //= 2
    nearest_NHW = last_NQW[:, :rows]
    away_NHW = (row_H1 - nearest_NHW).to(torch.int32)
    return square_NHW.gather(1, nearest_NHW).addcmul_(away_NHW, away_NHW)


def _nearest(packed_NHW: Tensor, segment_NHW: Tensor, last_NQW: Tensor, step: int) -> Tensor:
    """(N,Q,W): the nearest row of rows ``step - 1``, ``3 step - 1`` and so on, of equal ones the
    first; ``last`` is the last candidate of each, and the first one of the next."""
    count, rows = last_NQW.shape[1], packed_NHW.shape[1]
    row_H1 = torch.arange(rows, device=packed_NHW.device).unsqueeze(1)
    number_Q1 = torch.arange(count, device=packed_NHW.device).unsqueeze(1)
    place_Q1 = number_Q1 * (2 * step) + step - 1
    away_NHW = torch.add(place_Q1[0] - row_H1, segment_NHW, alpha=2 * step)
    key_NHW = torch.addcmul(packed_NHW, away_NHW, away_NHW, value=_ROW + 1)
    # Earlier segments have larger keys, so a running minimum starts anew in each.
    top = 1 << (_ROW_BITS + _VALUE_BITS)
    key_NHW.add_(segment_NHW, alpha=-top)
    running_NHW = key_NHW.cummin(dim=1).values
    # A segment ends before its last candidate, which the next one begins with.
    within_NQW = running_NHW.gather(1, (last_NQW - 1).clamp_(min=0)) + number_Q1 * top
    away_NQW = place_Q1 - last_NQW
    ending_NQW = packed_NHW.gather(1, last_NQW) + (away_NQW * away_NQW << _ROW_BITS)
    first_NQW = torch.cat((torch.zeros_like(last_NQW[:, :1]), last_NQW[:, :-1]), dim=1)
    best_NQW = torch.where(last_NQW > first_NQW, within_NQW.minimum(ending_NQW), ending_NQW)
    return best_NQW.bitwise_and_(_ROW)
