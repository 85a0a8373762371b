"""What a network that follows an object sees of a batch of clips, and what its losses judge.

Shape letters: B clips, T frames of a clip, N = B T frames, clip by clip, C bands, H rows, W
columns.
"""

from typing import NamedTuple

from torch import Tensor

from trainables.data.batch import Batch
from trainables.geometry.boundaries import VOID

OBJECT = 1
"""Its label."""


class Shown(NamedTuple):
    """A batch on its way to the network and to the losses."""

    images_NCHW: Tensor
    known_BHW: Tensor | None
    """The object in the first frame of each clip, 1 or 0; None for single images."""
    judged: Batch
    """What is predicted: all images, or of each clip all frames but the first."""


def shown(batch: Batch, clip: int) -> Shown:
    """A batch of clips of this length; 1: of single images.

    Where the first frame shows no object, or none within the crop, nothing says what to follow:
    the labels of that clip are void.
    """
    if clip == 1:
        return Shown(batch.images_BCHW, None, batch)

    def later(maps_N: Tensor) -> Tensor:
        return maps_N.unflatten(0, (-1, clip))[:, 1:].flatten(0, 1)

    labels_BTHW = batch.labels_BHW.unflatten(0, (-1, clip))
    known_BHW = (labels_BTHW[:, 0] == OBJECT).float()
    unknown_B = known_BHW.flatten(1).amax(dim=1) == 0
    labels_BTHW = labels_BTHW.masked_fill(unknown_B.view(-1, 1, 1, 1), VOID)
    targets = {task: later(maps_N) for task, maps_N in batch.targets.items()}
    judged = Batch(later(batch.images_BCHW), labels_BTHW[:, 1:].flatten(0, 1), targets)
    return Shown(batch.images_BCHW, known_BHW, judged)
