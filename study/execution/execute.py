"""From a checked plan to a finished study: trials, then their test."""

import time
from pathlib import Path
from typing import Any

import ray
from rich.console import Console

from search_spaces import Space
from study.analysis import image_bootstrap
from study.execution import test_evaluation, tuner
from study.execution.stopping import Faults
from study.ledger import study_folder
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.provenance import provenance
from study.ledger.record import FINAL, InterruptedTrial, StudyRecord
from study.ledger.study_folder import checkpoint_of, trial_folders
from study.planning import budget
from study.reporting.pictures import gallery
from study.reporting.terminal.progress import LiveProgress
from study.search import cell_search, reuse
from trainables.data import Dataset
from trainables.lane.mailbox import LaneSettings
from trainables.training import checkpoint


def _run(
    plan: Plan,
    space: Space,
    dataset: Dataset,
    ledger: Ledger,
    console: Console,
    faults: Faults,
) -> None:
    """Stages, trials, tests."""
    if ledger.record.ended:  # only its report and MLflow are out of date
        return
    if ledger.record.plan:
        waiting = interrupted_trials(ledger, plan.folder)
        ledger.append(
            "resumed", continue_after=continue_after(waiting), lanes=plan.lanes, budget=plan.budget
        )
    else:
        waiting = []
        ledger.append(
            "planned", schema=1, **plan.event(), data=_facts(dataset), provenance=provenance()
        )
    for run, done in reuse.reusable_runs(plan, dataset.digest, ledger.record):
        reuse.reuse_trial(ledger, run, done)
    shared = ray.put(dataset)
    with LiveProgress(console, ledger.record, plan.stages_folder) as progress:
        ledger.listeners.append(progress)
        settings = LaneSettings(
            workers=plan.workers,
            cpus_per_worker=plan.cpus_per_worker,
            gpus_per_worker=plan.gpus_per_worker,
            storage=str(plan.folder / "lanes"),
            stages=str(plan.stages_folder),
            study=ledger.record.mark,
            data=(plan.base.data, shared),
            parts=plan.parts,
            on_oom=faults.policy.on_oom,
        )
        plan = _trials(plan, space, ledger, settings, waiting, dataset.digest, faults)
    if faults.stop.reason:
        return
    whole = len(ledger.record.in_state(*FINAL)) == plan.trials
    over = not whole and budget.is_spent(ledger.record)
    if over:
        used = budget.used_hours(ledger.record, time.time())
        ledger.append("budget_spent", used=used)
    if whole or over:
        _confirm(plan, ledger, shared)
    if whole:
        if plan.grid is not None and not ledger.record.images:
            found = image_bootstrap.over_images(plan.folder, ledger.record)
            ledger.append("images", metrics=found)
        study_folder.mark_outdated(plan.folder)
        ledger.append("ended")


def _trials(
    plan: Plan,
    space: Space,
    ledger: Ledger,
    settings: LaneSettings,
    waiting: list[InterruptedTrial],
    digest: str,
    faults: Faults,
) -> Plan:
    """All trials; where the cells are searched first, the plan with what was chosen."""
    if cell_search.pending(plan, ledger.record):
        tuner.run(plan, space, ledger, settings, waiting, faults)
        if faults.stop.reason or not cell_search.choose_weights(plan, ledger):
            return plan
        plan, waiting = cell_search.plan_with_chosen(plan, ledger.record), []
        for run, done in reuse.reusable_runs(plan, digest, ledger.record):
            reuse.reuse_trial(ledger, run, done)
    tuner.run(plan, space, ledger, settings, waiting, faults)
    return plan


def _facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "digest": dataset.digest,
        "classes": list(dataset.classes),
        "size": list(dataset.size),
        "images": {split: len(part) for split, part in dataset.splits.items()},
    }


def _confirm(plan: Plan, ledger: Ledger, dataset: Any) -> None:
    """Measure on the test list what is due and was not: of a grid every whole trial, of a search
    the winner alone, of several objectives the Pareto set."""
    record = ledger.record
    due = record.compared().in_state("complete") if plan.grid else record.front()
    found = [
        (trial, kept)
        for trial in due
        if trial.tested is None and (kept := checkpoint_of(plan, trial)) is not None
    ]
    measured = test_evaluation.measure_on_cluster(
        found,
        dataset,
        plan.cpus_per_worker,
        plan.gpus_per_worker,
        at_once=plan.lanes * plan.workers,
        parts=plan.parts,
    )
    for trial, (metrics, counts) in measured:
        study_folder.write_counts(plan.folder, trial.number, counts)
        ledger.append("tested", trial=trial.number, metrics=metrics)
    _look(plan, ledger.record, dataset)


def _look(plan: Plan, record: StudyRecord, shared: Any) -> None:
    """Draw the worst images, once."""
    folder = plan.folder / "pictures" / "test"
    found = [
        (trial, kept) for trial in gallery.shown(record) if (kept := checkpoint_of(plan, trial))
    ]
    rows = gallery.worst_images(plan.folder, [trial for trial, _ in found])
    if rows and not folder.exists():
        gallery.make(found, rows, ray.get(shared), shared, folder, plan)


def interrupted_trials(ledger: Ledger, folder: Path) -> list[InterruptedTrial]:
    """Trials that an earlier attempt began and did not end, with the checkpoint to go on from.

    One that was cut off after its last checkpoint, with nothing left to do, is ended here.
    """
    waiting = []
    for trial in ledger.record.in_state("running"):
        found = checkpoint.latest(trial_folders(folder, trial.number), at_most=trial.last_epoch)
        if found is not None and found.epoch >= int(trial.config["epochs"]):
            ledger.append("finished", trial=trial.number, state="complete")
            continue
        resume_from = str(found.folder) if found else ""
        waiting.append(InterruptedTrial(trial.number, trial.params, resume_from))
    return waiting


def continue_after(waiting: list[InterruptedTrial]) -> dict[str, int]:
    """The epoch after which each of them goes on, for the ledger."""
    epochs = {}
    for trial in waiting:
        found = checkpoint.read(Path(trial.resume_from)) if trial.resume_from else None
        epochs[str(trial.number)] = found.epoch if found else 0
    return epochs
