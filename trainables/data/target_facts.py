"""What the maps beside the labels hold, counted over a list.

Shape letters: H rows, W columns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainables.config.tasks import TaskName
from trainables.data.targets import MISSING, TargetMap

_AWAY = 0.2
"""Share of the normals that may have z < 0: of surfaces seen from the side, at the image's rim."""


@dataclass
class TargetFacts:
    """Statistics of the maps of one task."""

    pixels: int = 0
    known: int = 0
    """Pixels with a value."""
    low: float = float("inf")
    high: float = float("-inf")
    """The smallest and the largest depth, in metres."""
    values_256: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    """How often each value of eight bits occurs, missing ones too."""
    length: float = 0.0
    """Of all normals, the sum."""
    away: int = 0
    """Normals that point away from the viewer."""

    def add(self, task: TaskName, map_: TargetMap) -> None:
        """Count a map."""
        known_HW = (map_ != MISSING[task]) if task != "normals" else map_.any(axis=2)
        values = map_[known_HW]
        self.pixels += known_HW.size
        self.known += len(values)
        if task == "normals":
            self.length += float(np.linalg.norm(values, axis=1).sum(dtype=np.float64))
            self.away += int((values[:, 2] < 0).sum())
        elif task == "depth":
            self.low = min(self.low, float(values.min(initial=np.inf)))
            self.high = max(self.high, float(values.max(initial=-np.inf)))
        else:
            self.values_256 += np.bincount(map_.ravel(), minlength=256)

    def merge(self, other: "TargetFacts") -> None:
        """Count the maps of another one, too."""
        self.pixels, self.known = self.pixels + other.pixels, self.known + other.known
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.values_256 = self.values_256 + other.values_256
        self.length, self.away = self.length + other.length, self.away + other.away

    def share(self, value: int) -> float:
        """Of this value among the pixels that have one."""
        return float(self.values_256[value] / max(self.known, 1))

    def words(self, task: TaskName, parts: tuple[str, ...]) -> str:
        """What they hold, in one line."""
        valid = f"{self.known / max(self.pixels, 1):.1%} of the pixels have a value"
        if not self.known:
            return valid
        if task == "depth":
            return f"{valid}, {self.low:.2f} .. {self.high:.2f} m"
        if task == "normals":
            return f"{valid}, mean length {self.length / self.known:.3f}"
        if task == "parts":
            shares = (f"{name} {self.share(label):.1%}" for label, name in enumerate(parts))
            return f"{valid}: {', '.join(shares)}"
        return f"{valid}, {self.share(1):.2%} of them {task if task == 'edge' else 'salient'}"

    def faults(self, task: TaskName) -> Iterator[str]:
        """What no task can learn from, or may mean something else."""
        if not self.known:
            yield f"{task} is missing in every pixel"
        elif task == "depth" and self.low == self.high:
            yield f"depth is {self.low:g} m everywhere"
        elif task in ("edge", "saliency") and self.share(1) in (0, 1):
            yield f"{task} is {self.share(1):.0f} everywhere"
        elif task == "normals" and self.away > _AWAY * self.known:
            yield (
                f"{self.away / self.known:.0%} of the normals point away from the viewer: their "
                f"axes are not x right, y down, z to the viewer, so data/rotate and "
                f"data/flip_vertical would turn them wrongly"
            )


def target_lines(
    facts: Mapping[str, Mapping[TaskName, TargetFacts]], parts: tuple[str, ...]
) -> Iterator[str]:
    """By split and task, what the maps hold."""
    for split, by_task in facts.items():
        for task, one in by_task.items():
            yield f"{split}: {task}: {one.words(task, parts)}"


def target_faults(facts: Mapping[str, Mapping[TaskName, TargetFacts]]) -> Iterator[str]:
    """By split and task, what is wrong with the maps."""
    for split, by_task in facts.items():
        for task, one in by_task.items():
            yield from (f"{split}: {fault}" for fault in one.faults(task))
