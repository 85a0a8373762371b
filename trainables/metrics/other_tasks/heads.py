"""All heads of a network as one stack of maps, so that scales, mirroring and windows serve each.

Shape letters: B images, K classes, M maps (the classes, then those of each further task), H rows,
W columns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.geometry import normals

_NO_TASKS: Mapping[TaskName, int] = MappingProxyType({})


def _probability(logits_BCHW: Tensor) -> Tensor:
    return logits_BCHW.softmax(dim=1) if logits_BCHW.shape[1] > 1 else logits_BCHW.sigmoid()


def _metres(depth_B1HW: Tensor) -> Tensor:
    """No depth is below 0, as in the public meters."""
    return depth_B1HW.clamp(min=0)


def _unit(vectors_B3HW: Tensor) -> Tensor:
    return F.normalize(vectors_B3HW, dim=1)


_VALUES: Mapping[TaskName, Callable[[Tensor], Tensor]] = {
    "edge": _probability,
    "depth": _metres,
    "normals": _unit,
    "saliency": _probability,
    "parts": _probability,
}


def _values(tasks: Mapping[TaskName, Tensor]) -> dict[TaskName, Tensor]:
    return {task: _VALUES[task](maps_BCHW) for task, maps_BCHW in tasks.items()}


def _unmirrored(task: TaskName, maps_BCHW: Tensor) -> Tensor:
    return normals.mirrored(maps_BCHW) if task == "normals" else maps_BCHW.flip(-1)


@dataclass(frozen=True)
class Heads:
    """How the maps of a stack are read: classes first, then the maps of these tasks."""

    channels: Mapping[TaskName, int] = field(default_factory=lambda: _NO_TASKS)
    """By task other than the segmentation, how many maps its head has."""

    def stack(self, logits_BKHW: Tensor, tasks: Mapping[TaskName, Tensor]) -> Tensor:
        """float (B,M,H,W): a network's output, as its heads return it."""
        maps = [tasks[task] for task in self.channels]
        return torch.cat((logits_BKHW, *maps), dim=1) if maps else logits_BKHW

    def split(self, maps_BMHW: Tensor) -> tuple[Tensor, dict[TaskName, Tensor]]:
        """The classes' maps, and those of each further task."""
        further = list(self.channels.values())
        classes = maps_BMHW.shape[1] - sum(further)
        logits_BKHW, *maps = maps_BMHW.split([classes, *further], dim=1)
        return logits_BKHW, dict(zip(self.channels, maps, strict=True))

    def values(self, maps_BMHW: Tensor, scale: float = 1.0) -> Tensor:
        """What predictions of a pixel are averaged as: probabilities of classes, edges, saliency
        and parts, metres of depth, unit normals.

        Args:
            maps_BMHW: as ``stack`` returns it.
            scale: of the image that was predicted; what is twice as large looks half as far away.
        """
        logits_BKHW, tasks = self.split(maps_BMHW)
        found = _values(tasks)
        if "depth" in found and scale != 1:
            found["depth"] = found["depth"] * scale
        return self.stack(logits_BKHW.softmax(dim=1), found)

    def unmirrored(self, maps_BMHW: Tensor) -> Tensor:
        """The maps of a mirrored image, as those of the image itself."""
        if "normals" not in self.channels:
            return maps_BMHW.flip(-1)
        logits_BKHW, tasks = self.split(maps_BMHW)
        found = {task: _unmirrored(task, map_) for task, map_ in tasks.items()}
        return self.stack(logits_BKHW.flip(-1), found)

    def of_one(self, maps_BMHW: Tensor) -> Tensor:
        """A single prediction, finished: the classes' logits, the further tasks' ``values``."""
        if not self.channels:
            return maps_BMHW
        logits_BKHW, tasks = self.split(maps_BMHW)
        return self.stack(logits_BKHW, _values(tasks))

    def of_mean(self, values_BMHW: Tensor) -> Tensor:
        """The same of the mean of several: the logarithm of the classes' mean probability."""
        probability_BKHW, tasks = self.split(values_BMHW)
        tiny = torch.finfo(values_BMHW.dtype).tiny
        if "normals" in tasks:
            tasks["normals"] = _unit(tasks["normals"])
        return self.stack(probability_BKHW.clamp_(min=tiny).log_(), tasks)


CLASSES = Heads()
"""Of a network that only segments."""
