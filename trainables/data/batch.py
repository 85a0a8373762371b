"""Some images of a list as a step receives them.

Shape letters: B images, C bands, H rows, W columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trainables.data.targets import Targets
from trainables.geometry.boundaries import VOID


class Batch(NamedTuple):
    """Some images, their labels, and the maps beside them."""

    images_BCHW: Tensor
    """Float in the unit of their type, photographs in [0,1], then the maps of ``data/inputs``; as
    stored and without these before ``ready``."""
    labels_BHW: Tensor
    """int64; before ``ready`` uint8."""
    targets: Targets
    """By task, of the types of ``targets.py``; none without ``data/targets``."""

    def unlabelled(self) -> "Batch":
        """The same with nothing but void labels: what a network was given counts nowhere."""
        return self._replace(labels_BHW=torch.full_like(self.labels_BHW, VOID))

    def to(self, device: torch.device) -> "Batch":
        """On a device."""
        images, labels = (x.to(device, non_blocking=True) for x in self[:2])
        return Batch(
            images, labels, {k: x.to(device, non_blocking=True) for k, x in self.targets.items()}
        )
