"""The events of networks on the test list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from study.ledger.event import Event
from study.ledger.event_values import Metrics
from study.ledger.json_records import Json, build
from trainables.config import Value


@dataclass(frozen=True, kw_only=True)
class Refined:
    """What the validation list has decided of the refinement of a test."""

    chosen: dict[str, Value]
    """Config fields by path."""
    value: float | None = None
    """The study's objective on the validation list, refined with them."""


def _with_refined(line: Mapping[str, object]) -> Json:
    refined = line.get("refined")
    return {**line, "refined": build(Refined, refined) if refined else None}


@dataclass(frozen=True, kw_only=True)
class Tested(Event):
    """A trial was measured on the test list; its metrics are named ``test_...``."""

    name = "tested"
    trial: int
    metrics: Metrics
    refined: Refined | None = None
    """None where nothing was chosen, and in ledgers of earlier versions."""

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> Self:
        return build(cls, _with_refined(line))


@dataclass(frozen=True, kw_only=True)
class Untested(Event):
    """A trial could not be measured on the test list, although the results need it."""

    name = "untested"
    trial: int
    reason: str
    """One line, which names the file."""


@dataclass(frozen=True, kw_only=True)
class OtherTested(Event):
    """The network beside the one that a trial is measured by was tested, or could not be.

    It is an event of its own: an older version, which does not know it, must not take its figures
    for those that the verdict rests on.
    """

    name = "other_tested"
    trial: int
    epoch: int
    """The network's."""
    metrics: Metrics = field(default_factory=dict)
    """Named ``test_...``; empty if it could not be tested."""
    untested: str = ""
    """Why it could not: one line, which names the file."""
    refined: Refined | None = None
    """None where nothing was chosen, and in ledgers of earlier versions."""

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> Self:
        return build(cls, _with_refined(line))
