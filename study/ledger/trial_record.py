"""One trial as its ledger tells it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from study.ledger.events import Metrics, Reused
from trainables.config import Value
from trainables.lane.failures import Failure

State = Literal["running", "complete", "pruned", "failed"]
FINAL: tuple[State, ...] = ("complete", "pruned", "failed")
"""States that a trial does not leave."""


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """What a trial reported after one epoch."""

    metrics: Metrics
    seconds: float
    """Of training and evaluation together."""
    lane: str
    time: float
    train_s: float | None = None
    system: dict[str, float] = field(default_factory=dict)


@dataclass
class TrialRecord:
    """One trial. Its metrics are those of the last epoch that it reached."""

    number: int
    id: str
    """Hash of the resolved config and the data."""
    params: dict[str, Value]
    """What the space or the cell chose."""
    config: dict[str, Value]
    """The complete config, by path."""
    started: float = 0.0
    state: State = "running"
    epochs: dict[int, EpochRecord] = field(default_factory=dict)
    failure: Failure | None = None
    cell: str = ""
    """The cell of an ablation; "" in a search."""
    seed: int = 0
    phase: Literal["", "search"] = ""
    """``search``: the trial only chooses its cell's weights and is part of no comparison."""
    tested: Metrics | None = None
    """Metrics on the test list, named ``test_...``; None if it was not measured there."""
    generation: int | None = None
    """NSGA-II breeds a trial from the generation before it."""
    reused: Reused | None = None
    """Where the results come from, if another study ran the trial."""
    stages: tuple[str, ...] = ()
    """``kind-key`` of the stages that it uses."""

    @property
    def folder(self) -> str:
        """Name of its artifacts in the study's folder."""
        return f"trial-{self.number:04d}"

    @property
    def last_epoch(self) -> int:
        return max(self.epochs, default=0)

    @property
    def has_all_epochs(self) -> bool:
        return self.last_epoch >= int(self.config["epochs"])

    @property
    def seconds(self) -> float:
        """Spent in epochs, over all attempts that counted."""
        return sum(epoch.seconds for epoch in self.epochs.values())

    @property
    def metrics(self) -> Metrics:
        """Those of the last epoch."""
        return self.epochs[self.last_epoch].metrics if self.epochs else {}

    @property
    def lane(self) -> str:
        return self.epochs[self.last_epoch].lane if self.epochs else ""

    def value(self, objective: str) -> float | None:
        """The objective after the last epoch; None where there is none."""
        return self.metrics.get(objective)

    def values(self, objectives: Iterable[str]) -> list[float] | None:
        """All of these after the last epoch; None where one is missing."""
        found = [self.value(name) for name in objectives]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else None


@dataclass(frozen=True)
class InterruptedTrial:
    """A trial that an earlier attempt started and this one continues."""

    number: int
    params: dict[str, Value]
    resume_from: str
    """Folder of its last complete checkpoint; "" where it has none and starts again."""
