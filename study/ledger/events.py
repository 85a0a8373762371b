"""The events of a study: a frozen dataclass for each kind, one JSON line per event.

The keys of a line are the field names. A line may lack fields that have a default here, as in
ledgers of older versions. Unknown keys are ignored; an unknown event is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from study.ledger.epoch_ended import EpochEnded as EpochEnded  # one of the kinds
from study.ledger.event import Event
from study.ledger.event_values import ChosenWeights, Metrics
from study.ledger.event_values import Reused as Reused
from study.ledger.json_records import Json, build, mapping, plain
from study.ledger.look import Looked as Looked  # one of the kinds
from study.ledger.network_measured import NetworkMeasured as NetworkMeasured  # one of the kinds
from study.ledger.plan import Plan
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.ledger.provenance import DataFacts, Provenance
from study.ledger.short_config import completed, shortened
from study.ledger.started import Started as Started
from study.ledger.tested import OtherTested as OtherTested
from study.ledger.tested import Tested as Tested
from study.ledger.tested import Untested as Untested
from trainables.config import Value

SCHEMA, UNLINKED_SCHEMA = 2, 1
"""Of new ledgers, and of those whose lines have no checksums; both have the same events."""


@dataclass(frozen=True, kw_only=True)
class Planned(Event):
    """The first event: everything that is decided before the first trial."""

    name = "planned"
    plan: Plan
    data: DataFacts
    provenance: Provenance
    weights: dict[str, str] = field(default_factory=dict)
    """By file of weights that a trial may start from, a name of its content."""
    schema: int = SCHEMA

    def to_json(self) -> Json:
        # The schema keeps the plan's keys at the top level of the line, not below "plan".
        return {
            "schema": self.schema,
            **plan_to_json(self.plan),
            "data": self.data.to_json(),
            "provenance": plain(self.provenance),
            **({"weights": dict(self.weights)} if self.weights else {}),
        }

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Planned":
        data, provenance = build(DataFacts, line["data"]), build(Provenance, line["provenance"])
        plan = plan_from_json(line)
        return build(cls, {**line, "plan": plan, "data": data, "provenance": provenance})


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """A new attempt started. Epochs after the checkpoint that a trial continues from are lost."""

    name = "resumed"
    continue_after: dict[int, int]
    """By interrupted trial, the epoch of its last checkpoint; 0 if it has none."""
    lanes: int | None = None
    budget: dict[str, float] | None = None
    provenance: Provenance | None = None

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Resumed":
        after = {int(number): epoch for number, epoch in mapping(line["continue_after"]).items()}
        facts = build(Provenance, line["provenance"]) if line.get("provenance") else None
        return build(cls, {**line, "continue_after": after, "provenance": facts})


@dataclass(frozen=True, kw_only=True)
class Changed(Event):
    """A trial restarted from scratch with another config (``--on-oom halve``)."""

    name = "changed"
    trial: int
    id: str
    config: dict[str, Value]

    def to_json(self) -> Json:
        return {**super().to_json(), "config": shortened(self.config)}

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Changed":
        return build(cls, {**line, "config": completed(mapping(line["config"]))})


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """A trial ended without a failure."""

    name = "finished"
    trial: int
    state: Literal["complete", "pruned"]


@dataclass(frozen=True, kw_only=True)
class TrialFailed(Event):
    """A trial ended with a failure."""

    name = "failed"
    trial: int
    kind: str
    """As in ``trainables.lane.failures.Failure``."""
    message: str
    traceback: str


@dataclass(frozen=True, kw_only=True)
class StageReady(Event):
    """A stage was trained, or found in the storage; ``curve`` is its loss by step."""

    name = "stage"
    kind: str
    key: str
    seconds: float
    reused: bool
    """Whether another study trained it."""
    remade: bool = False
    """Whether its file was damaged, so that it was trained again."""
    quality: Metrics = field(default_factory=dict)
    curve: Sequence[float | None] = ()


@dataclass(frozen=True, kw_only=True)
class Chosen(Event):
    """All per-cell searches have ended; the comparison uses the weights that they found."""

    name = "chosen"
    cells: dict[str, ChosenWeights]

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Chosen":
        cells = {cell: build(ChosenWeights, won) for cell, won in mapping(line["cells"]).items()}
        return build(cls, {**line, "cells": cells})


@dataclass(frozen=True, kw_only=True)
class ImagesResampled(Event):
    """The differences from the baseline were bootstrapped over test images."""

    name = "images"
    metrics: dict[str, dict[str, list[float]]]
    """By metric and cell, the lowest and the highest difference of the interval."""

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "ImagesResampled":
        old = {line["metric"]: line["cells"]} if "metric" in line else {}  # of older versions
        return build(cls, {"metrics": old, **line})


@dataclass(frozen=True, kw_only=True)
class BudgetSpent(Event):
    """The budget ended the attempt."""

    name = "budget_spent"
    used: dict[str, float]
    """``hours`` and ``gpu_hours``, over all attempts."""


@dataclass(frozen=True, kw_only=True)
class LanesChanged(Event):
    """The number of lanes changed, because machines joined or left."""

    name = "lanes"
    lanes: int
    nodes: int


@dataclass(frozen=True, kw_only=True)
class LanesWaiting(Event):
    """Lanes have been pending for a while because no machine has room for them."""

    name = "waiting"
    lanes: int
    missing: str  # what the cluster lacks, formatted


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    """All trials have ended, and those that the results need were measured on the test list."""

    name = "ended"


KINDS: dict[str, type[Event]] = {kind.name: kind for kind in Event.__subclasses__()}


def event_from_json(line: Mapping[str, object]) -> Event:
    """Convert a line of a ledger to its event.

    Raises:
        KeyError, TypeError, ValueError: it is not an event that this version knows.
    """
    return KINDS[str(line["event"])].from_json(line)
