"""The result of training a stage: a network, its quality, and its loss curve."""

from collections.abc import Callable
from typing import NamedTuple, TypedDict

from torch import nn

_POINTS = 40


class TrainedStage(NamedTuple):
    network: nn.Module
    quality: dict[str, float]
    """Measured on the validation images, which are not trained on."""
    curve: list[float]
    """The training loss, averaged over even spans of the steps."""


ReportProgress = Callable[[float], None]
"""Called with the completed share of a training."""


def ignore_progress(share: float) -> None:
    """Do nothing with the progress."""


class CurveState(TypedDict):
    """All that a curve needs to continue."""

    sum: float
    count: int
    done: int
    points: list[float]


class Curve:
    """A loss curve of at most 40 points, however many the steps."""

    def __init__(self, steps: int, report: ReportProgress = ignore_progress) -> None:
        self._steps, self._done, self._report = steps, 0, report
        self._span = -(-steps // _POINTS)
        self._sum, self._count = 0.0, 0
        self.points: list[float] = []

    def add(self, loss: float) -> None:
        self._sum, self._count, self._done = self._sum + loss, self._count + 1, self._done + 1
        if self._count == self._span:
            self.points.append(round(self._sum / self._span, 6))
            self._sum, self._count = 0.0, 0
            self._report(self._done / self._steps)

    def state(self) -> CurveState:
        """All that ``load`` needs to continue the curve."""
        return {"sum": self._sum, "count": self._count, "done": self._done, "points": self.points}

    def load(self, state: CurveState) -> None:
        """Continue another curve of as many steps."""
        self._sum, self._count, self._done = state["sum"], state["count"], state["done"]
        self.points = list(state["points"])
