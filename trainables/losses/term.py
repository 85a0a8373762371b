"""What a loss returns: a sum and what to divide it by, both summed over this rank's images."""

from typing import NamedTuple

import torch
from torch import Tensor


class LossTerm(NamedTuple):
    """A loss before its one division, so that uneven shards over ranks divide by the same count.

    Only ``total`` carries a gradient. The value of a loss is ``sum(total) / sum(count)`` over all
    ranks; a count of zero (no boundary, all void) means a total of zero and a value of zero.
    """

    total: Tensor
    """Scalar: the summed loss."""

    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    """Scalar, not negative: pixels, tiles or images (or their weight) that were summed over."""

    def value(self) -> Tensor:
        """The loss of one process: ``total / count``, and 0 where nothing was counted."""
        return self.total / torch.where(self.count > 0, self.count, 1)


def of_no_image(logits: Tensor) -> LossTerm:
    """The term of an empty batch: a zero of nothing, that can be differentiated by the logits."""
    return LossTerm(logits.sum(), logits.new_zeros(()))
