"""Which rank this process is, and of how many; a process alone is rank 0 of 1."""

import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def num_ranks() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def sum_over_ranks(values: Tensor) -> Tensor:
    """The sum of every rank's tensor, in place. All ranks must make this call."""
    if dist.is_initialized():
        dist.all_reduce(values)
    return values


def max_over_ranks(values: Tensor) -> Tensor:
    """The largest of every rank's values, in place. All ranks must make this call."""
    if dist.is_initialized():
        dist.all_reduce(values, dist.ReduceOp.MAX)
    return values


def joined_over_ranks(network: nn.Module, unused: bool) -> nn.Module:
    """The network, with gradients that are means over the ranks where there are several.

    Args:
        unused: whether some parameters may have no gradient; torch must then look for them.
    """
    if num_ranks() == 1:
        return network
    return DistributedDataParallel(network, find_unused_parameters=unused)


def places(number: int, batch: int, count: int) -> list[int]:
    """The places in the epoch's order of this rank's images of a batch.

    Args:
        number: of the batch in its epoch, from 0.
        batch: images of a batch over all ranks.
        count: images of it on this rank.
    """
    return [number * batch + rank() + image * num_ranks() for image in range(count)]
