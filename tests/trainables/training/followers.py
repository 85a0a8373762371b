"""Stand-ins for a network that follows an object, of which every prediction is known."""

import torch
from torch import Tensor

from trainables.networks.segmentation import SegmenterOutput
from trainables.training.films import as_logits


class CopiesTheMask:
    """Predicts of every frame the first one's mask, and remembers what it received."""

    def __init__(self, first_1CHW: Tensor, mask_1HW: Tensor) -> None:
        self.frames, self.mask_1HW = [first_1CHW], mask_1HW

    def __call__(self, frame_1CHW: Tensor, with_boundary: bool = False) -> SegmenterOutput:
        self.frames.append(frame_1CHW)
        boundary_BHW = torch.zeros_like(self.mask_1HW) if with_boundary else None
        return SegmenterOutput(4 * as_logits(self.mask_1HW), boundary_BHW)


class MovesTheMask(CopiesTheMask):
    """Predicts the mask one column further to the right in each frame."""

    def __call__(self, frame_1CHW: Tensor, with_boundary: bool = False) -> SegmenterOutput:
        output = super().__call__(frame_1CHW, with_boundary)
        by = len(self.frames) - 1
        return output._replace(logits_BKHW=output.logits_BKHW.roll(by, dims=-1))
