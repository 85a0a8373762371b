"""How much a study may use, and has used: hours, and GPU hours, counted over restarts.

Both are counted from the ledger. Hours run while an attempt runs, from its first event to its last;
the time between attempts does not count. GPU hours are the GPUs of a lane for as long as a trial
holds it. Once either is spent no trial begins, and those that run stop after their epoch: its
checkpoint is written, and ``--resume NAME --max-hours N`` goes on from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Usage:
    """What a study has used, folded from its events."""

    seconds: float = 0.0
    lane_seconds: float = 0.0
    """Of all lanes together, while a trial held them."""
    lanes: int = 1
    since: float = 0.0
    """Time of the last event."""
    holding: set[int] = field(default_factory=set)
    """Trials that hold a lane, or wait for one."""

    def apply(self, event: Mapping[str, Any]) -> None:
        """Fold one event in; what came before an attempt's first event was not spent."""
        if event["event"] not in ("planned", "resumed"):
            self.seconds, self.lane_seconds = self.at(event["time"])
        self.since = event["time"]
        self.lanes = event.get("lanes", self.lanes)
        match event["event"]:
            case "planned" | "resumed":
                self.holding = {int(number) for number in event.get("continue_after", {})}
            case "started":
                self.holding.add(event["trial"])
            case "finished" | "failed":
                self.holding.discard(event["trial"])
            case "budget_spent":
                self.holding.clear()

    def at(self, now: float) -> tuple[float, float]:
        """Seconds, and seconds of lanes, if it has run on until now."""
        passed = max(now - self.since, 0.0)
        return self.seconds + passed, self.lane_seconds + passed * self.lanes_held

    @property
    def lanes_held(self) -> int:
        return min(len(self.holding), self.lanes)
