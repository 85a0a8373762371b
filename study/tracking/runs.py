"""What MLflow is to show, as plain data made from the ledger: study -> cell or trial -> seed.

A run is told whole each time, so that writing it makes MLflow equal to the ledger, whatever was
there before. Nothing here needs MLflow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking import names
from trainables.config import TrialConfig, flatten, from_flat
from trainables.losses.compose import ever_active

RUNNING = "RUNNING"
_STATUS = {"running": RUNNING, "complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
_ALWAYS = ("seed", "epochs", "batch", "optim/lr", "model/network", "data/dataset")
"""Parameters that every trial shows; others where the study decides them or they are no default."""
_AT_THE_END = "trimap_"
"""Curves over widths, not over epochs: shown of the last epoch alone. The ledger has all."""
_DEFAULTS = flatten(TrialConfig())
_SHOWN_FAILURE = 5000
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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
    profile: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of MLflow as it should be."""

    key: str
    """Unique in the study: ``study``, ``cell/NAME``, ``trial/3``, ``stage/NAME``."""
    parent: str
    """The key of the run that it hangs below; "" for the study's own."""
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    late: list[Point] = field(default_factory=list)
    """Points that may come after the last epoch: the test list's, the paper's."""
    inputs: tuple[Input, ...] = ()
    status: str
    started_ms: int
    ended_ms: int | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    """Artifacts by name."""
    files: list[tuple[Path, str]] = field(default_factory=list)
    """Artifacts to copy, with the folder they go to."""


def key_of(tags: Mapping[str, str]) -> str:
    """The key of a run that is there already, from its tags."""
    if "stage" in tags:
        return f"stage/{tags['stage']}"
    if "trial" in tags:
        return f"trial/{tags['trial']}"
    return f"cell/{tags['cell']}" if "cell" in tags else "study"


def as_yaml(content: Any) -> str:
    return yaml.dump(content, Dumper=_DUMPER, sort_keys=False)


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def above(record: StudyRecord, begun: float, level: int) -> dict[str, Any]:
    """When a run that others hang below is said to have started and ended, and the truth as tags.

    MLflow's table opens with the latest 100 runs and folds a run under its parent only where it has
    loaded that too: a parent is dated after all that is below it. Its duration is the real one.
    """
    start = milliseconds(record.last_time) + level
    stamps = {"began": begun, "ended": record.last_time}
    return {
        "started_ms": start,
        "ended_ms": start + milliseconds(record.last_time - begun),
        "told": {name: _moment(stamp) for name, stamp in stamps.items()},
    }


def _moment(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def study_run(record: StudyRecord, files: Iterable[Path] = ()) -> Run:
    """The parent of all: the question, the winner's figures, the verdicts, the report."""
    plan = record.plan
    facts = {name: str(plan[name]) for name in ("space", "sampler", "scheduler")}
    facts["objective"] = ", ".join(record.objectives)
    if "grid" in plan:
        facts |= {"grid": plan["grid"]["name"], "baseline": plan["grid"]["baseline"]}
    numbers = {name: str(plan[name]) for name in ("trials", "lanes", "workers", "seed")}
    best, stamp = record.best(), milliseconds(record.last_time)
    when = above(record, record.first_time, 2)
    figures = {**(best.metrics if best else {}), **(record.tested or {}).get("metrics", {})}
    return Run(
        key="study",
        parent="",
        started_ms=when["started_ms"],
        tags={
            **when["told"],
            "study": plan["study"],
            "mlflow.runName": plan["study"],
            **facts,
            "dataset": plan["data"]["dataset"],
            "mlflow.note.content": plan["question"],
            "state": record.state,
            **names.provenance_tags(plan),
            **({"best_trial": str(best.number)} if best else {}),
        },
        params={**facts, **numbers},
        late=_points(figures, stamp, best.last_epoch if best else 0),
        inputs=inputs_of(plan),
        status="FINISHED" if record.ended else "KILLED",
        ended_ms=when["ended_ms"],
        texts={"plan.yaml": as_yaml(plan), **own_file(plan)},
        files=[(path, "report") for path in files],
    )


def own_file(plan: Mapping[str, Any]) -> dict[str, str]:
    """The user's own parts, as they ran."""
    return {plan["parts"]["name"]: plan["parts"]["text"]} if "parts" in plan else {}


def trial_run(record: StudyRecord, trial: TrialRecord, kept: Iterable[Path] = ()) -> Run:
    """One trial: of a search below the study, of a grid below its cell, where it is a seed."""
    epochs = dict(trial.epochs)
    end = max((epoch["time"] for epoch in epochs.values()), default=trial.started)
    failure = _failure(trial)
    over = trial.state != "running"
    return Run(
        key=f"trial/{trial.number}",
        parent=f"cell/{trial.cell}" if trial.cell else "study",
        tags={**_trial_tags(record.plan, trial), **({"failure": failure[0]} if failure else {})},
        params={path: str(trial.config[path]) for path in shown_paths(record, trial)},
        points=[point for epoch in sorted(epochs) for point in _epoch(epochs[epoch], epoch)],
        late=_late(record.plan, trial, milliseconds(end)) if over else [],
        inputs=inputs_of(record.plan),
        status=_STATUS[trial.state],
        started_ms=milliseconds(trial.started),
        ended_ms=milliseconds(end) if over else None,
        texts={
            "config.yaml": as_yaml(names.nested(trial.config)),
            **({"failure.txt": failure[1]} if failure else {}),
        },
        files=[(path, "pictures" if path.suffix == ".png" else "counts") for path in kept],
    )


def stage_run(record: StudyRecord, stage: Mapping[str, Any]) -> Run:
    """A learned part, with its quality and its curve."""
    name, stamp = f"{stage['kind']}-{stage['key']}", milliseconds(record.first_time)
    curve = enumerate(stage.get("curve", []), start=1)
    return Run(
        key=f"stage/{name}",
        parent="study",
        status="FINISHED",
        started_ms=stamp,
        ended_ms=stamp + milliseconds(stage["seconds"]),
        tags={
            "study": record.plan["study"],
            "mlflow.runName": name,
            "stage": name,
            "dataset": record.plan["data"]["dataset"],
            "reused": str(stage["reused"]).lower(),
        },
        points=[Point("loss", loss, stamp, step) for step, loss in curve if loss is not None],
        late=_points({"seconds": stage["seconds"], **stage["quality"]}, stamp, 0),
    )


def shown_paths(record: StudyRecord, trial: TrialRecord) -> list[str]:
    """Parameters worth a column: what the study decides, and what is not as it is by default."""
    paths = dict.fromkeys([*trial.params, *_ALWAYS])
    if trial.cell:
        paths |= dict.fromkeys(
            path for cell in record.plan["grid"]["cells"] for path in cell["changes"]
        )
    paths |= dict.fromkeys(
        path for path, value in trial.config.items() if _DEFAULTS.get(path) != value
    )
    return [path for path in paths if path in trial.config]


def _trial_tags(plan: Mapping[str, Any], trial: TrialRecord) -> dict[str, str]:
    return {
        "study": plan["study"],
        "trial": str(trial.number),
        "trial_id": trial.id,
        "mlflow.runName": names.run_name(trial),
        "space": plan["space"],
        "dataset": plan["data"]["dataset"],
        "seed": str(trial.config["seed"]),
        "loss": "+".join(ever_active(from_flat(trial.config).loss)),
        "state": trial.state,
        "lane": trial.lane,
        "seconds": f"{trial.seconds:.1f}",
        **names.grid_tags(plan, trial),
        **names.provenance_tags(plan),
    }


def _failure(trial: TrialRecord) -> tuple[str, str] | None:
    if trial.failure is None:
        return None
    message = trial.failure["message"]
    return message[:_SHOWN_FAILURE], f"{message}\n\n{trial.failure['traceback']}"


def _epoch(kept: Mapping[str, Any], epoch: int) -> list[Point]:
    """``epoch`` itself says later how much was written."""
    figures = {
        name: value for name, value in kept["metrics"].items() if not name.startswith(_AT_THE_END)
    }
    system = {f"system/{name}": value for name, value in kept.get("system", {}).items()}
    figures |= {**system, "seconds": kept["seconds"], "epoch": epoch}
    return _points(figures, milliseconds(kept["time"]), epoch)


def _late(plan: Mapping[str, Any], trial: TrialRecord, stamp: int) -> list[Point]:
    """What a trial has at its end: bands around edges, the test list's figures, the paper's."""
    last = {name: v for name, v in trial.metrics.items() if name.startswith(_AT_THE_END)}
    paper = names.reported(plan, trial.cell) if "grid" in plan else {}
    tested = trial.tested if "grid" in plan else None
    return _points({**last, **(tested or {}), **paper}, stamp, trial.last_epoch)


def _points(figures: Mapping[str, float | None], stamp: int, step: int) -> list[Point]:
    return [Point(k, float(v), stamp, step) for k, v in figures.items() if v is not None]


_CONTEXTS = {"train": "training", "val": "validation", "test": "testing"}


def inputs_of(plan: Mapping[str, Any]) -> tuple[Input, ...]:
    """The lists of the dataset; a list has the digest of the whole."""
    data = plan["data"]
    facts = {"classes": len(data["classes"]), "rows": data["size"][0], "columns": data["size"][1]}
    return tuple(
        Input(
            f"{data['dataset']} {split}",
            data["digest"],
            str(plan["base"].get("data/root", "")),
            _CONTEXTS.get(split, split),
            {"images": number, **facts},
        )
        for split, number in data["images"].items()
    )
