"""Some images of a list as a step receives them.

Shape letters: B images, C bands, H rows, W columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

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

    def to(self, device: torch.device) -> "Batch":
        """On a device."""
        images, labels = (x.to(device, non_blocking=True) for x in self[:2])
        return Batch(
            images, labels, {k: x.to(device, non_blocking=True) for k, x in self.targets.items()}
        )
