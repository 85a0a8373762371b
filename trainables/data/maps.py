"""An image of a batch with all that moves with it.

Shape letters: C bands, H rows, W columns.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.targets import Targets


class Maps(NamedTuple):
    """An image with all that moves with it."""

    image_CHW: Tensor
    labels_HW: Tensor
    """uint8."""
    targets: Targets = MappingProxyType({})
    """By task, (H,W) or (3,H,W)."""

    def each(
        self,
        image: Callable[[Tensor], Tensor],
        labels: Callable[[Tensor], Tensor],
        target: Callable[[TaskName, Tensor], Tensor],
    ) -> "Maps":
        """Each of them moved in its own way."""
        targets = {task: target(task, map_) for task, map_ in self.targets.items()}
        return Maps(image(self.image_CHW), labels(self.labels_HW), targets)
