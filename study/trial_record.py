"""One trial as its ledger tells it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Value = bool | int | float | str
State = Literal["running", "complete", "pruned", "failed"]
FINAL: tuple[State, ...] = ("complete", "pruned", "failed")
"""States that a trial does not leave."""


@dataclass
class TrialRecord:
    """One trial. Metrics count from the last epoch it reached."""

    number: int
    id: str
    """Hash of the resolved config and the data."""
    params: dict[str, Value]
    """What the space chose."""
    config: dict[str, Value]
    """The whole config, by path."""
    started: float = 0.0
    state: State = "running"
    epochs: dict[int, dict[str, Any]] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    cell: str = ""
    """Of a grid: the cell; a search has none."""
    seed: int = 0
    phase: Literal["", "search"] = ""
    """``search``: it only helped to choose its cell's weights, and is in no comparison."""
    tested: dict[str, float | None] | None = None
    """Metrics on the test list, named ``test_...``; None if it was not measured there."""
    generation: int | None = None
    """Of NSGA-II, which breeds a trial from the generation before it."""
    reused: dict[str, Any] = field(default_factory=dict)
    """The earlier study and trial that this one was taken from, and its commit."""
    stages: tuple[str, ...] = ()
    """``kind-key`` of the learned parts that it looks through."""
    seconds: float = 0.0
    """Spent in epochs, over all attempts that counted."""

    @property
    def folder(self) -> str:
        """Name of what is kept of it in the study's folder."""
        return f"trial-{self.number:04d}"

    @property
    def last_epoch(self) -> int:
        return max(self.epochs, default=0)

    @property
    def whole(self) -> bool:
        """Whether it has run all its epochs."""
        return self.last_epoch >= int(self.config["epochs"])

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the last epoch."""
        found: dict[str, float] = self.epochs[self.last_epoch]["metrics"] if self.epochs else {}
        return found

    @property
    def lane(self) -> str:
        return str(self.epochs[self.last_epoch]["lane"]) if self.epochs else ""

    def value(self, objective: str) -> float | None:
        """The objective after the last epoch; None where there is none."""
        return self.metrics.get(objective)

    def values(self, objectives: Iterable[str]) -> list[float] | None:
        """All of these after the last epoch; None where one is missing."""
        found = [self.value(name) for name in objectives]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else None
