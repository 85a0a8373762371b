"""The runs of a study that are no trial's: its own, and one for each stage."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from study.ledger.record import StudyRecord
from study.tracking import names
from study.tracking.entities import (
    STUDY_KEY,
    Point,
    Run,
    inputs_of,
    milliseconds,
    parent_dates,
    points_of,
    stage_key,
)


def study_run(record: StudyRecord, files: Iterable[Path] = ()) -> Run:
    """The root: the question, the winner's figures, the verdicts, the report."""
    plan = record.plan
    facts = {name: str(plan[name]) for name in ("space", "sampler", "scheduler")}
    facts["objective"] = ", ".join(record.objectives)
    if "grid" in plan:
        facts |= {"grid": plan["grid"]["name"], "baseline": plan["grid"]["baseline"]}
    numbers = {name: str(plan[name]) for name in ("trials", "lanes", "workers", "seed")}
    best, tested = record.best(), record.tested
    figures = {**(best.metrics if best else {}), **(tested["metrics"] if tested else {})}
    dates = parent_dates(record, record.first_time, 2)
    return Run(
        key=STUDY_KEY,
        parent="",
        tags={
            **dates.tags,
            "study": plan["study"],
            "mlflow.runName": plan["study"],
            **facts,
            "dataset": plan["data"]["dataset"],
            names.NOTE: plan["question"],
            "state": record.state,
            **names.provenance_tags(record),
            **({"best_trial": str(best.number)} if best else {}),
        },
        params={**facts, **numbers},
        late=points_of(figures, milliseconds(record.last_time), best.last_epoch if best else 0),
        inputs=inputs_of(record),
        status="FINISHED" if record.ended else "KILLED",
        started_ms=dates.started_ms,
        ended_ms=dates.ended_ms,
        texts={"plan.yaml": names.as_yaml(plan), **own_file(plan)},
        files=[(path, "report") for path in files],
    )


def own_file(plan: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The user's plug-in, by its file name, as it ran; empty if there is none."""
    return {plan["parts"]["name"]: plan["parts"]["text"]} if "parts" in plan else {}


def stage_run(record: StudyRecord, stage: Mapping[str, Any]) -> Run:
    """A stage with its quality and its curve."""
    name, stamp = f"{stage['kind']}-{stage['key']}", milliseconds(record.first_time)
    curve = enumerate(stage.get("curve", []), start=1)
    return Run(
        key=stage_key(name),
        parent=STUDY_KEY,
        tags={
            "study": record.plan["study"],
            "mlflow.runName": name,
            "stage": name,
            "dataset": record.plan["data"]["dataset"],
            "reused": str(stage["reused"]).lower(),
        },
        points=[Point("loss", loss, stamp, step) for step, loss in curve if loss is not None],
        late=points_of({"seconds": stage["seconds"], **stage["quality"]}, stamp, 0),
        status="FINISHED",
        started_ms=stamp,
        ended_ms=stamp + milliseconds(stage["seconds"]),
    )
