"""The event with which a trial begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from study.ledger.event import Event
from study.ledger.event_values import Reused, Shared
from study.ledger.json_records import Json, build, mapping
from study.ledger.short_config import completed, shortened
from trainables.config import Value
from trainables.lane.trial_spec import Phase

_INNER = {"reused": Reused, "shared": Shared}


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """A trial started, or a trial of another study was reused."""

    name = "started"
    trial: int
    id: str
    """Hash of the resolved config and the data."""
    params: dict[str, Value]
    config: dict[str, Value]
    cell: str = ""
    seed: int | None = None
    phase: Phase = ""
    generation: int | None = None
    stages: list[str] = field(default_factory=list)
    """``kind-key`` of the stages that the trial needs."""
    reused: Reused | None = None
    shared: Shared | None = None
    """Whose first epochs it has, if it does not run them itself."""

    def to_json(self) -> Json:
        return {**super().to_json(), "config": shortened(self.config)}

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Started":
        inner: Json = {
            key: build(kind, line[key]) if line.get(key) else None for key, kind in _INNER.items()
        }
        return build(cls, {**line, **inner, "config": completed(mapping(line["config"]))})
