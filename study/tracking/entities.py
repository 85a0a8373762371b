"""An MLflow run as plain data. Nothing here needs MLflow.

A run is always described completely, so that writing it makes MLflow equal to the ledger, whatever
was there before.
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
    """One list of a run's dataset: training, validation or test."""

    name: str
    digest: str
    root: str
    """Folder of the dataset's files; "" for built-in data."""
    context: str
    profile: dict[str, object]


class Dates(NamedTuple):
    """The start and the end of a run with children: as MLflow shows them, and the real ones."""

    started_ms: int
    ended_ms: int
    tags: dict[str, str]
    """``began`` and ``ended``, the real dates in UTC."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """An MLflow run as it should be."""

    key: str
    """Unique in the study: ``study``, ``cell/NAME``, ``trial/3``, ``stage/NAME``."""
    parent: str
    """The parent's key; "" for the study's own run."""
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    points: Sequence[Point] = ()
    late: Sequence[Point] = ()
    """Points that are not tied to a new epoch, such as those of the test list and the paper."""
    curves: Sequence[Point] = ()
    """Points that never change, written whole with the end of the run."""
    inputs: Sequence[Input] = ()
    status: str
    started_ms: int
    ended_ms: int | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    """Artifacts to write, by file name."""
    files: Sequence[tuple[Path, str]] = ()
    """Artifacts to copy, each with its folder in the run."""


def cell_key(name: str) -> str:
    return f"cell/{name}"


def trial_key(number: int) -> str:
    return f"trial/{number}"


def stage_key(name: str) -> str:
    return f"stage/{name}"


def key_of(tags: Mapping[str, str]) -> str:
    """The key of a run in MLflow, from its tags."""
    if "stage" in tags:
        return stage_key(tags["stage"])
    if "trial" in tags:
        return trial_key(int(tags["trial"]))
    # After trials: a seed has its cell's tag, too.
    return cell_key(tags["cell"]) if "cell" in tags else STUDY_KEY


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def points_of(figures: Mapping[str, float | None], time_ms: int, step: int) -> list[Point]:
    """One point per figure that has a value."""
    return [Point(k, float(v), time_ms, step) for k, v in figures.items() if v is not None]


def parent_dates(record: StudyRecord, started: float, level: int) -> Dates:
    """The dates of a run with children, which MLflow needs to be later than its children.

    MLflow's table opens with the latest 100 runs, and nests a run under its parent only if it has
    loaded the parent, too. A parent is therefore dated after all its children; its duration is the
    real one.

    Args:
        started: the real start, in seconds since 1970.
        level: the run's height above its trials: 1 for a cell, 2 for the study.
    """
    start = milliseconds(record.last_time) + level
    duration = milliseconds(record.last_time - started)
    tags = {"began": _utc(started), "ended": _utc(record.last_time)}
    return Dates(start, start + duration, tags)


def _utc(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def inputs_of(record: StudyRecord) -> tuple[Input, ...]:
    """The lists of the study's dataset; each has the digest of the complete dataset."""
    data, root = record.data, str(record.plan.base.get("data/root", ""))
    # Images of differing sizes have none to name.
    facts = {
        "classes": len(data.classes),
        **dict(zip(("rows", "columns"), data.size, strict=False)),
    }
    folds = {f"fold {place}": fold["test"] for place, fold in enumerate(data.folds, start=1)}
    return tuple(
        Input(
            name=f"{data.dataset} {split}",
            digest=data.digest,
            root=root,
            context=_CONTEXTS.get(split, split),
            profile={"images": images, **facts},
        )
        for split, images in (folds or data.images).items()
    )
