"""What can happen in a study: one frozen dataclass per event, one JSON line per event.

The keys of a line are the field names. A line may lack fields that have a default here: ledgers of
older versions do. Unknown keys are ignored, an unknown event is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal, Self

from study.ledger.json_records import Json, build, mapping, plain
from study.ledger.plan import Plan
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.ledger.provenance import DataFacts, Provenance
from trainables.config import Value

SCHEMA = 1
Metrics = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; the ledger sets the time, in seconds since 1970."""

    name: ClassVar[str]
    time: float = 0.0

    def to_json(self) -> Json:
        """The line without ``event`` and ``time``; a field that holds its default is left out."""
        return {
            one.name: plain(value)
            for one in fields(self)
            if one.name != "time" and (value := getattr(self, one.name)) != one.default
        }

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> Self:
        return build(cls, line)


@dataclass(frozen=True, kw_only=True)
class Planned(Event):
    """The first event: everything that was decided before the first trial."""

    name = "planned"
    plan: Plan
    data: DataFacts
    provenance: Provenance

    def to_json(self) -> Json:
        plan, facts = plan_to_json(self.plan), {"data": self.data, "provenance": self.provenance}
        return {"schema": SCHEMA, **plan, **{name: plain(fact) for name, fact in facts.items()}}

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Planned":
        data, provenance = build(DataFacts, line["data"]), build(Provenance, line["provenance"])
        plan = plan_from_json(line)
        return build(cls, {**line, "plan": plan, "data": data, "provenance": provenance})


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """Another attempt. Epochs past the checkpoint that a trial continues from are lost."""

    name = "resumed"
    continue_after: dict[int, int]
    """By interrupted trial, the epoch of the checkpoint that it continues from; 0 without one."""
    lanes: int | None = None
    budget: dict[str, float] | None = None

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Resumed":
        after = {int(number): epoch for number, epoch in mapping(line["continue_after"]).items()}
        return build(cls, {**line, "continue_after": after})


@dataclass(frozen=True, kw_only=True)
class Reused:
    """The trial of another study whose results this study uses instead of a run of its own."""

    study: str
    trial: int
    commit: str | None = None
    """Of the code that the trial ran with."""


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """A trial began, or one of another study was reused."""

    name = "started"
    trial: int
    id: str
    """Hash of the resolved config and the data."""
    params: dict[str, Value]
    config: dict[str, Value]
    cell: str = ""
    seed: int | None = None
    phase: Literal["", "search"] = ""
    generation: int | None = None
    stages: list[str] = field(default_factory=list)
    """``kind-key`` of the stages that the trial needs."""
    reused: Reused | None = None

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Started":
        reused = build(Reused, line["reused"]) if line.get("reused") else None
        return build(cls, {**line, "reused": reused})


@dataclass(frozen=True, kw_only=True)
class Changed(Event):
    """A trial restarted from nothing with another config (``--on-oom halve``)."""

    name = "changed"
    trial: int
    id: str
    config: dict[str, Value]


@dataclass(frozen=True, kw_only=True)
class EpochEnded(Event):
    name = "epoch"
    trial: int
    epoch: int
    """Counted from 1."""
    metrics: Metrics
    lane: str
    seconds: float
    """Of training and evaluation together."""
    train_s: float | None = None
    evaluate_s: float | None = None
    system: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    name = "finished"
    trial: int
    state: Literal["complete", "pruned"]


@dataclass(frozen=True, kw_only=True)
class TrialFailed(Event):
    name = "failed"
    trial: int
    kind: str
    message: str
    traceback: str


@dataclass(frozen=True, kw_only=True)
class Tested(Event):
    """A checkpoint was measured on the test list; the metrics are named ``test_...``."""

    name = "tested"
    trial: int
    metrics: Metrics


@dataclass(frozen=True, kw_only=True)
class StageReady(Event):
    """A stage is trained or was there already; ``curve`` is its loss, step by step."""

    name = "stage"
    kind: str
    key: str
    seconds: float
    reused: bool
    """Whether another study trained it."""
    quality: Metrics = field(default_factory=dict)
    curve: Sequence[float | None] = ()


@dataclass(frozen=True, kw_only=True)
class ChosenWeights:
    """The outcome of a cell's own search."""

    trial: int | None
    """The best trial; None where none was complete."""
    changes: dict[str, Value]


@dataclass(frozen=True, kw_only=True)
class Chosen(Event):
    """Every cell's search has ended: from here on the cells have the weights that these found."""

    name = "chosen"
    cells: dict[str, ChosenWeights]

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "Chosen":
        cells = {name: build(ChosenWeights, one) for name, one in mapping(line["cells"]).items()}
        return build(cls, {**line, "cells": cells})


@dataclass(frozen=True, kw_only=True)
class ImagesResampled(Event):
    """By metric and cell, the interval of the difference over resampled test images."""

    name = "images"
    metrics: dict[str, dict[str, list[float]]]

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> "ImagesResampled":
        old = {line["metric"]: line["cells"]} if "metric" in line else {}  # one metric, once
        return build(cls, {"metrics": old, **line})


@dataclass(frozen=True, kw_only=True)
class BudgetSpent(Event):
    """``used`` are hours by kind of budget."""

    name = "budget_spent"
    used: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class LanesChanged(Event):
    """Machines joined or left."""

    name = "lanes"
    lanes: int
    nodes: int


@dataclass(frozen=True, kw_only=True)
class LanesWaiting(Event):
    """Lanes have had no room for a while."""

    name = "waiting"
    lanes: int
    missing: str


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    name = "ended"


KINDS: dict[str, type[Event]] = {kind.name: kind for kind in Event.__subclasses__()}


def event_from_json(line: Mapping[str, object]) -> Event:
    """The event of a ledger's line.

    Raises:
        KeyError, TypeError, ValueError: it is no event that this version knows.
    """
    return KINDS[str(line["event"])].from_json(line)
