"""The event of an epoch."""

from dataclasses import dataclass, field

from study.ledger.event import Event
from study.ledger.event_values import Metrics
from trainables.config import Value


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
