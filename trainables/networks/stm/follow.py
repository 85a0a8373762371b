"""How STM follows an object through a whole film: which frames it remembers (section 3.4).

Shape letters: K classes, C bands, H rows, W columns.
"""

from torch import Tensor

from trainables.networks.segmentation import Segmenter, SegmenterOutput
from trainables.networks.stm.memory import Memory
from trainables.networks.stm.network import object_of

EVERY = 5
"""Frames from one that stays in memory to the next, as published."""


class Follower:
    """Predicts a film frame by frame. It remembers the first frame, every fifth one after it, and
    the one before; of predicted frames the soft masks."""

    def __init__(
        self, network: Segmenter, first_1CHW: Tensor, mask_1HW: Tensor, every: int = EVERY
    ) -> None:
        """
        Args:
            network: in evaluation mode.
            first_1CHW: the first frame, as ``Segmenter`` expects images.
            mask_1HW: 1 where the object is in it, else 0 (also where its label is void).
            every: frames between two that stay in memory.
        """
        self._network, self._every = network, every
        self._kept: Memory | None = None
        self._place, self._last = 0, (first_1CHW, mask_1HW.to(first_1CHW.dtype))

    def next(self, frame_1CHW: Tensor, with_boundary: bool = False) -> SegmenterOutput:
        """What the network says of the next frame, which has the first one's size."""
        memory = self._remembered()
        output: SegmenterOutput = self._network(frame_1CHW, with_boundary, memory)
        self._place, self._last = self._place + 1, (frame_1CHW, object_of(output.logits_BKHW))
        return output

    def _remembered(self) -> Memory:
        """All that stays in memory and the frame before, which stays if it is an ``every``-th."""
        last = self._network.memorise(*self._last)
        memory = last if self._kept is None else self._kept.followed_by(last)
        if self._place % self._every == 0:
            self._kept = memory
        return memory
