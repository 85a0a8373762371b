"""A run of MLflow as plain data, made from the ledger. Nothing here needs MLflow.

Each run is described completely each time, so that writing it makes MLflow equal to the ledger,
whatever was there before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from study.ledger.record import StudyRecord

RUNNING = "RUNNING"
STUDY_KEY = "study"
_CONTEXTS = {"train": "training", "val": "validation", "test": "testing"}


class Point(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    time_ms: int
    step: int


class Input(NamedTuple):
    """One list of the dataset that a run used."""

    name: str
    digest: str
    root: str
    """Folder of its files; "" for built-in data."""
    context: str
    profile: dict[str, object]


class Dates(NamedTuple):
    """When a run with children started and ended: for MLflow, and as tags for the reader."""

    started_ms: int
    ended_ms: int
    tags: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of MLflow as it should be."""

    key: str
    """Unique in the study: ``study``, ``cell/NAME``, ``trial/3``, ``stage/NAME``."""
    parent: str
    """The key of its parent; "" for the study's own run."""
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    points: Sequence[Point] = ()
    late: Sequence[Point] = ()
    """Points that may come after the last epoch: the test list's, the paper's."""
    inputs: Sequence[Input] = ()
    status: str
    started_ms: int
    ended_ms: int | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    """Artifacts by name."""
    files: Sequence[tuple[Path, str]] = ()
    """Artifacts to copy, each with its folder in the run."""


def cell_key(name: str) -> str:
    return f"cell/{name}"


def trial_key(number: int) -> str:
    return f"trial/{number}"


def stage_key(name: str) -> str:
    return f"stage/{name}"


def key_of(tags: Mapping[str, str]) -> str:
    """The key of a run that MLflow holds, from its tags: a seed has its cell's tag too."""
    if "stage" in tags:
        return stage_key(tags["stage"])
    if "trial" in tags:
        return trial_key(int(tags["trial"]))
    return cell_key(tags["cell"]) if "cell" in tags else STUDY_KEY


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def points_of(figures: Mapping[str, float | None], time_ms: int, step: int) -> list[Point]:
    """One point for each figure that has a value."""
    return [Point(k, float(v), time_ms, step) for k, v in figures.items() if v is not None]


def parent_dates(record: StudyRecord, begun: float, level: int) -> Dates:
    """Dates of a run with children, the real ones as tags; ``level`` is its height above trials.

    MLflow's table opens with the latest 100 runs and folds a run under its parent only where it has
    loaded that too: a parent is dated after all its children. Its duration is the real one.
    """
    start = milliseconds(record.last_time) + level
    duration = milliseconds(record.last_time - begun)
    tags = {"began": _utc(begun), "ended": _utc(record.last_time)}
    return Dates(start, start + duration, tags)


def _utc(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def inputs_of(record: StudyRecord) -> tuple[Input, ...]:
    """The lists of the dataset; each has the digest of the whole dataset."""
    data, root = record.data, str(record.plan.base.get("data/root", ""))
    rows, columns = data.size
    facts = {"classes": len(data.classes), "rows": rows, "columns": columns}
    return tuple(
        Input(
            name=f"{data.dataset} {split}",
            digest=data.digest,
            root=root,
            context=_CONTEXTS.get(split, split),
            profile={"images": images, **facts},
        )
        for split, images in data.images.items()
    )
