"""Which rank this process is, and of how many; alone, it is rank 0 of 1, and a sum is its own."""

import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def num_ranks() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def sum_over_ranks(values: Tensor) -> Tensor:
    """The sum of every rank's tensor, in place. All ranks must make this call."""
    if dist.is_initialized():
        dist.all_reduce(values)
    return values
