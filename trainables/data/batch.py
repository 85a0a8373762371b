"""Some images of a list as a step receives them.

Shape letters: B images, C bands, H rows, W columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trainables.config.inputs import InputName
from trainables.data.targets import Targets


class Batch(NamedTuple):
    """Some images, their labels, and the maps beside them."""

    images_BCHW: Tensor
    """Float in the unit of their type, photographs in [0,1], then the maps of ``data/inputs``; as
    stored and without these before ``ready``."""
    labels_BHW: Tensor
    """int64; before ``ready`` uint8."""
    targets: Targets
    """By task, of the types of ``targets.py``; none without ``data/targets``."""
    inputs: tuple[InputName, ...] = ()
    """Which of them ``ready`` moves behind the images' bands; none after it."""

    def to(self, device: torch.device) -> "Batch":
        """On a device."""
        images, labels = (
            x.to(device, non_blocking=True) for x in (self.images_BCHW, self.labels_BHW)
        )
        targets = {k: x.to(device, non_blocking=True) for k, x in self.targets.items()}
        return Batch(images, labels, targets, self.inputs)
