"""The hours and GPU hours that a study has used over all attempts, counted from its ledger.

Hours count while an attempt runs, from its first event to its last; the time between attempts does
not count. GPU hours count a lane's GPUs for as long as a trial holds the lane.
"""

from dataclasses import dataclass, field

from study.ledger.events import (
    BudgetSpent,
    Event,
    Finished,
    LanesChanged,
    Planned,
    Resumed,
    Started,
    TrialFailed,
)


@dataclass
class Usage:
    """The time that a study has used, folded from its events."""

    seconds: float = 0.0
    lane_seconds: float = 0.0
    """Time in which trials held lanes, summed over the lanes."""
    lanes: int = 1
    since: float = 0.0
    """Time of the last event."""
    holding: set[int] = field(default_factory=set)
    """Trials that hold a lane or wait for one."""

    def apply(self, event: Event) -> None:
        """Fold one event in. The time before an attempt's first event does not count."""
        if not isinstance(event, Planned | Resumed):
            self.seconds, self.lane_seconds = self.at(event.time)
        self.since = event.time
        match event:
            case Planned(plan=plan):
                self.lanes, self.holding = plan.lanes, set()
            case Resumed(continue_after=after, lanes=lanes):
                self.lanes, self.holding = lanes or self.lanes, set(after)
            case LanesChanged(lanes=lanes):
                self.lanes = lanes
            case Started(trial=trial):
                self.holding.add(trial)
            case Finished(trial=trial) | TrialFailed(trial=trial):
                self.holding.discard(trial)
            case BudgetSpent():
                self.holding.clear()  # the running trials were stopped before it

    def at(self, now: float) -> tuple[float, float]:
        """Seconds and lane seconds used at the time ``now``, if the attempt still runs then."""
        passed = max(now - self.since, 0.0)  # a clock may be set back
        return self.seconds + passed, self.lane_seconds + passed * self.lanes_held

    @property
    def lanes_held(self) -> int:
        return min(len(self.holding), self.lanes)
