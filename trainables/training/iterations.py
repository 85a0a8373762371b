"""Loss terms by iteration: a few hundred points of a training, evenly spread over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

POINTS = 200
"""Of a trial, at most. Which ones follows from the config and the number of images alone, so that
neither ranks nor an interruption change them."""


@dataclass(frozen=True, kw_only=True)
class Iterations:
    """The loss terms of some batches of an epoch, over all ranks."""

    at: Sequence[int]
    """The batches' numbers, counted from 1 over the whole training."""
    terms: Mapping[str, Sequence[float | None]]
    """By name, a value for each of them; ``loss`` is the weighted sum."""


def kept(epoch: int, batches: Sequence[int]) -> range:
    """The iterations of an epoch that are kept: multiples of the least step that leaves few.

    Args:
        epoch: counted from 1.
        batches: of every epoch of the training.
    """
    before, step = sum(batches[: epoch - 1]), -(-sum(batches) // POINTS)
    return range(before // step * step + step, before + batches[epoch - 1] + 1, step)
