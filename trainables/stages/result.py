"""What a stage leaves behind: a network, how good it is, and how it got there."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

_POINTS = 40


class TrainedStage(NamedTuple):
    network: nn.Module
    quality: dict[str, float]
    """Measured on the validation images, which the network never saw."""
    curve: list[float]
    """The training loss, averaged over even spans of the steps."""


ReportProgress = Callable[[float], None]
"""Called with the share of a training that is done."""


def tell_nobody(share: float) -> None:
    """For a training that nobody watches."""


class Curve:
    """A loss curve of at most 40 points, however many the steps."""

    def __init__(self, steps: int, tell: ReportProgress = tell_nobody) -> None:
        self._steps, self._done, self._tell = steps, 0, tell
        self._span = -(-steps // _POINTS)
        self._sum, self._count = 0.0, 0
        self.points: list[float] = []

    def add(self, loss: float) -> None:
        self._sum, self._count, self._done = self._sum + loss, self._count + 1, self._done + 1
        if self._count == self._span:
            self.points.append(round(self._sum / self._span, 6))
            self._sum, self._count = 0.0, 0
            self._tell(self._done / self._steps)
