"""The event that has the results of an epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from study.ledger.event import Event
from study.ledger.event_values import Metrics
from study.ledger.json_records import build
from trainables.config import Value
from trainables.training.iterations import Iterations


@dataclass(frozen=True, kw_only=True)
class EpochEnded(Event):
    """A trial trained and evaluated one epoch."""

    name = "epoch"
    trial: int
    epoch: int
    """Counted from 1."""
    metrics: Metrics
    lane: str
    seconds: float
    """Training and evaluation together."""
    train_s: float | None = None
    evaluate_s: float | None = None
    system: dict[str, float] = field(default_factory=dict)
    held: dict[str, Value] | None = None
    """By path, the trial's parameters that its losses, optimiser and stages have used, with the
    values that these hold; None where that is no more than in earlier epochs."""
    iterations: Iterations | None = None
    """Loss terms by iteration, thinned; None in ledgers of earlier versions."""

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "EpochEnded":
        points = build(Iterations, line["iterations"]) if line.get("iterations") else None
        return build(cls, {**line, "iterations": points})
