"""What a loss returns: its sum over this rank's images, and the count to divide by."""

from typing import NamedTuple

import torch
from torch import Tensor


class LossTerm(NamedTuple):
    """A loss before its one division, so that ranks with uneven shards divide by the same count.

    Only ``total`` carries a gradient. The value of a loss is ``sum(total) / sum(count)`` over all
    ranks; a count of zero (no boundary, all void) means a total of zero and a value of zero.
    """

    total: Tensor
    """Scalar: the summed loss."""

    count: Tensor  # type: ignore[assignment]  # hides tuple.count
    """Scalar >= 0: number (or weight) of the pixels, tiles or images in the sum."""

    def value(self) -> Tensor:
        """The loss of a single process: ``total / count``, and 0 if the count is 0."""
        return self.total / torch.where(self.count > 0, self.count, 1)


def of_no_image(logits: Tensor) -> LossTerm:
    """The term of an empty batch: zero over zero, with a gradient to the logits."""
    return LossTerm(logits.sum(), logits.new_zeros(()))
