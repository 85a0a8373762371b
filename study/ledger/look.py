"""A planned look of a study: what it found of each arm, and which arms get further seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from study.ledger.event import Event
from study.ledger.json_records import build, mapping

ArmState = Literal["better", "worse", "same", "hopeless", "open"]
"""An arm that is ``open`` gets the seeds of the next look; any other has all its seeds."""


@dataclass(frozen=True, kw_only=True)
class ArmLook:
    """An arm at a look."""

    state: ArmState
    seeds: int
    """Planned seeds on which it has run; failed runs count."""
    p: float
    """Corrected over arms and looks; the arm differs if it is at most the look's level."""
    p_same: float | None = None
    """The same of being within the smallest effect that matters; None without such a plan."""


@dataclass(frozen=True, kw_only=True)
class Looked(Event):
    """The study looked at its arms after a planned number of seeds."""

    name = "look"
    seeds: int
    """Planned seeds that had run on every open arm."""
    arms: Mapping[str, ArmLook]

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Looked":
        arms = {arm: build(ArmLook, content) for arm, content in mapping(line["arms"]).items()}
        return build(cls, {**line, "arms": arms})
