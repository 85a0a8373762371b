"""The MLflow run of a study, and the runs of its stages."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from study.analysis.gpu_hours import gpu_hours
from study.analysis.results import AblationResults, SearchResults, results_of
from study.ledger.events import StageReady
from study.ledger.json_records import Json
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking import description, names
from study.tracking.curves import curves
from study.tracking.entities import (
    RUNNING,
    STUDY_KEY,
    Point,
    Run,
    inputs_of,
    milliseconds,
    parent_dates,
    points_of,
    stage_key,
)


def study_run(
    record: StudyRecord, files: Sequence[Path] = (), lost_classes: str = "", run_id: str = ""
) -> Run:
    """The study's own run, the parent of all others: answer, learning curves and report.

    Args:
        record: the study so far.
        files: the report's.
        lost_classes: the networks that lose a class, in words; "" without any.
        run_id: MLflow's id of this run, if it is known, for the picture in its description.
    """
    plan, design = record.plan, record.plan.design
    facts = {"space": plan.space, "sampler": design.sampler, "scheduler": design.scheduler}
    facts["objective"] = ", ".join(plan.objectives)
    if design.cells:
        facts |= {"folds": str(design.folds)} if design.folds else {}
        facts |= {"grid": plan.grid.name, "baseline": ", ".join(plan.grid.baselines)}
    numbers = {name: str(getattr(plan, name)) for name in ("trials", "lanes", "workers", "seed")}
    results = results_of(record)
    best, untested = results.best, "; ".join(results.untested)
    dates = parent_dates(record, record.first_time, 2)
    return Run(
        key=STUDY_KEY,
        parent="",
        tags={
            **dates.tags,
            "study": plan.study,
            "mlflow.runName": plan.study,
            **facts,
            "dataset": record.data.dataset,
            **{f"{split}_list": words for split, words in record.data.lists.items()},
            **description.described(description.of_study(results, lost_classes, files, run_id)),
            "state": record.state,
            **names.provenance_tags(record),
            **(_winner_tags(best, plan) if best else {}),
            **({"lost_classes": lost_classes} if lost_classes else {}),
            **({"untested": untested[: names.TAG_LENGTH]} if untested else {}),
        },
        params={**facts, **numbers},
        late=_gpu_hours(results),
        curves=curves(results),
        inputs=inputs_of(record),
        status="FINISHED" if record.ended else "KILLED",
        started_ms=dates.started_ms,
        ended_ms=dates.ended_ms,
        texts={"plan.yaml": names.as_yaml(_planned(record)), **plugin_file(plan)},
        files=[(path, "report") for path in files],
    )


def running_study(record: StudyRecord) -> Run:
    """The study's own run while it runs."""
    run = study_run(record)
    tags = {**run.tags, **description.described(description.running(record.plan.question))}
    return replace(run, tags=tags, status=RUNNING, ended_ms=None, curves=())


def _gpu_hours(results: SearchResults | AblationResults) -> list[Point]:
    """What the study's GPUs have worked; nothing before its end, nor on CPUs."""
    record, found = results.record, gpu_hours(results)
    if found is None or not record.ended:
        return []
    figures = {"gpu_hours": found.total, "gpu_hours_per_verdict": found.per_verdict}
    return points_of(figures, milliseconds(record.last_time), 0)


def _winner_tags(best: TrialRecord, plan: Plan) -> dict[str, str]:
    """The winner's number and its figures by the objectives; its own run has all of them."""
    figures = {**best.metrics, **(best.tested or {})}
    shown = [name for objective in plan.objectives for name in (objective, f"test_{objective}")]
    values = {f"best.{name}": figures.get(name) for name in shown}
    texts = {name: f"{value:.4f}" for name, value in values.items() if value is not None}
    return {"best_trial": str(best.number), **texts}


def _planned(record: StudyRecord) -> Json:
    assert record.planned is not None
    return record.planned.to_json()


def plugin_file(plan: Plan) -> dict[str, str]:
    """The text of the user's plug-in by its file name; empty without one."""
    return {plan.plugin.name: plan.plugin.text} if plan.plugin else {}


def stage_run(record: StudyRecord, stage: StageReady) -> Run:
    """The run of a stage, with its quality and its loss curve."""
    name, stamp = f"{stage.kind}-{stage.key}", milliseconds(record.first_time)
    curve = enumerate(stage.curve, start=1)
    return Run(
        key=stage_key(name),
        parent=STUDY_KEY,
        tags={
            "study": record.plan.study,
            "mlflow.runName": name,
            "stage": name,
            "dataset": record.data.dataset,
            "reused": str(stage.reused).lower(),
        },
        points=[Point("loss", loss, stamp, step) for step, loss in curve if loss is not None],
        late=points_of({"seconds": stage.seconds, **stage.quality}, stamp, 0),
        status="FINISHED",
        started_ms=stamp,
        ended_ms=stamp + milliseconds(stage.seconds),
    )
