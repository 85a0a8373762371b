"""How many lanes one GPU serves, by what one lane takes of it. Pure: no torch."""

import math

MARGIN = 0.1
"""Of a step's measured peak, what each lane has in addition: allocators differ from run to run."""
_FULL = 0.9
"""A GPU that is computing for this share of the time has no use for another lane."""
_MOST = 48
"""Processes that CUDA MPS serves on one GPU."""


def by_memory(peak: int, beside: int, total: int) -> int:
    """Lanes whose peaks, each with its margin and its context, fit into the GPU together."""
    return int(total // (peak * (1 + MARGIN) + beside))


def by_utilization(busy: float | None) -> int:
    """Lanes until the GPU computes nearly all the time; where that is unknown, no limit.

    A lane is added while those before it leave the GPU idle for at least a tenth of the time.
    """
    if not busy:
        return _MOST
    return min(math.ceil(_FULL / busy - 1e-9), _MOST)
