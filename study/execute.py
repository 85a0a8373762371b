"""From a checked plan to a finished study: trials, the winner's test, the projections."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import ray
from rich.console import Console

from search_spaces import Space
from study import (
    arms,
    budget,
    confirm,
    describe,
    earlier,
    gallery,
    image_counts,
    pictures,
    report,
    rerun,
    storage,
    tuner,
)
from study.faults import Faults, Policy
from study.ledger import FILE, Ledger, StorageError
from study.mlflow_sink import MlflowSink
from study.options import resume_command
from study.plan import Plan
from study.progress import LiveProgress
from study.provenance import provenance
from study.ranking import importances
from study.record import StudyRecord
from study.search import Waiting
from study.stopping import INTERRUPTED, STOPPED, Stop
from study.trial_record import FINAL, TrialRecord
from trainables import checkpoint, saved
from trainables.config import from_flat
from trainables.data import DataError, Dataset
from trainables.mailbox import LaneSettings


def execute(
    plan: Plan, space: Space, dataset: Dataset, ledger: Ledger, console: Console, policy: Policy
) -> int:
    """Run what is left of a study. The exit code: 0 once it or its budget has ended, else how it
    was cut off."""
    stop = Stop()
    sink = MlflowSink(plan.tracking_uri, ledger.record, _Keepsakes(plan, dataset))
    try:
        _run(plan, space, dataset, ledger, console, sink, Faults(policy, stop))
    except KeyboardInterrupt:
        pass  # what is known is written, and the study goes on another time
    except (StorageError, DataError) as error:
        stop.reason = str(getattr(error, "cause", error))
    _finish(plan, space, ledger, sink, console, stop.reason)
    if ledger.record.ended or ledger.record.budget_spent is not None:
        return 0
    return STOPPED if stop.reason else INTERRUPTED


def _run(
    plan: Plan, space: Space, dataset: Dataset, ledger: Ledger, console: Console,
    sink: MlflowSink, faults: Faults,
) -> None:  # fmt: skip
    """Stages, trials, tests."""
    if ledger.record.ended:  # and cut off before all was told
        sink.rebuild()
        return
    if ledger.record.plan:
        waiting = tuner.waiting_trials(ledger, plan.folder)
        ledger.append("resumed", continue_after=tuner.continue_after(waiting), lanes=plan.lanes,
                      budget=plan.budget)  # fmt: skip
    else:
        waiting = []
        ledger.append("planned", schema=1, **plan.event(), data=_facts(dataset),
                      provenance=provenance())  # fmt: skip
    sink.rebuild()
    ledger.listeners.append(sink)
    for run, done in earlier.find(plan, dataset.digest, ledger.record):
        earlier.take_over(ledger, run, done)
    shared = ray.put(dataset)
    with LiveProgress(console, ledger.record, plan.stages_folder) as progress:
        ledger.listeners.append(progress)
        settings = LaneSettings(
            workers=plan.workers, cpus_per_worker=plan.cpus_per_worker,
            gpus_per_worker=plan.gpus_per_worker, storage=str(plan.folder / "lanes"),
            stages=str(plan.stages_folder), study=ledger.record.mark,
            data=(plan.base.data, shared),
            parts=plan.parts,
            on_oom=faults.policy.on_oom,
        )  # fmt: skip
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
            found = image_counts.over_images(plan.folder, ledger.record)
            ledger.append("images", metrics=found)
        storage.owe(plan.folder)
        ledger.append("ended")


def _trials(
    plan: Plan, space: Space, ledger: Ledger, settings: LaneSettings, waiting: list[Waiting],
    digest: str, faults: Faults,
) -> Plan:  # fmt: skip
    """All trials; where the cells are searched first, the plan with what was chosen."""
    if arms.pending(plan, ledger.record):
        tuner.run(plan, space, ledger, settings, waiting, faults)
        if faults.stop.reason or not arms.choose(plan, ledger):
            return plan
        plan, waiting = arms.chosen(plan, ledger.record), []
        for run, done in earlier.find(plan, digest, ledger.record):
            earlier.take_over(ledger, run, done)
    tuner.run(plan, space, ledger, settings, waiting, faults)
    return plan


def _facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": dataset.name, "digest": dataset.digest, "classes": list(dataset.classes),
        "size": list(dataset.size),
        "images": {split: len(part) for split, part in dataset.splits.items()},
    }  # fmt: skip


def _confirm(plan: Plan, ledger: Ledger, dataset: Any) -> None:
    """Measure on the test list what is due and was not: of a grid every whole trial, of a search
    the winner alone, of several objectives the Pareto set."""
    record = ledger.record
    due = record.compared().in_state("complete") if plan.grid else record.front()
    found = [
        (trial, kept) for trial in due
        if trial.tested is None and (kept := _checkpoint(plan, trial)) is not None
    ]  # fmt: skip
    measured = confirm.measure_on_cluster(
        found, dataset, plan.cpus_per_worker, plan.gpus_per_worker,
        at_once=plan.lanes * plan.workers, parts=plan.parts,
    )  # fmt: skip
    for trial, (metrics, counts) in measured:
        image_counts.write(plan.folder, trial.number, counts)
        ledger.append("tested", trial=trial.number, metrics=metrics)
    _look(plan, ledger.record, dataset)


def _look(plan: Plan, record: StudyRecord, shared: Any) -> None:
    """Draw the worst images, once."""
    folder = plan.folder / "pictures" / "test"
    found = [(trial, kept) for trial in gallery.shown(record) if (kept := _checkpoint(plan, trial))]
    rows = gallery.worst_images(plan.folder, [trial for trial, _ in found])
    if rows and not folder.exists():
        gallery.make(found, rows, ray.get(shared), shared, folder, plan)


def _checkpoint(plan: Plan, trial: TrialRecord) -> checkpoint.Checkpoint | None:
    if trial.reused:
        folder = plan.storage / trial.reused["study"]
        folders = tuner.trial_folders(folder, trial.reused["trial"])
    else:
        folders = tuner.trial_folders(plan.folder, trial.number)
    return checkpoint.latest(folders, at_most=trial.last_epoch)


class _Keepsakes:
    """What is kept of a trial that has ended: its pictures, and the counts of each image."""

    def __init__(self, plan: Plan, dataset: Dataset) -> None:
        self.plan, self.dataset = plan, dataset

    def __call__(self, trial: TrialRecord) -> list[Path]:
        counts = self.plan.folder / "counts" / f"{trial.folder}.npz"
        folder = self.plan.folder / "pictures" / trial.folder
        if not counts.exists():
            found = _checkpoint(self.plan, trial)
            if found is None:
                return []
            pictures.draw(self.dataset, found, folder)
            counts.parent.mkdir(exist_ok=True)
            draft = counts.with_suffix(".draft")
            shutil.copyfile(found.folder / checkpoint.COUNTS, draft)
            draft.replace(counts)  # last: where it is, the pictures are whole too
        return [*sorted(folder.glob("*.png")), counts]


def _finish(
    plan: Plan, space: Space, ledger: Ledger, sink: MlflowSink, console: Console, reason: str
) -> None:
    """Write the report, end MLflow's run, and tell the person where everything is."""
    record = ledger.record
    if not record.plan:
        return
    model = None
    try:
        files = report.write(record, plan.folder)
        searched = plan.storage / (rerun.origin(record) or plan.study)
        if searched != plan.folder and (searched / FILE).exists():
            report.write(report.load(searched), searched)  # it shows both figures of its winner
        model = _model(plan, record) if record.ended else None
    except Exception as error:  # of the ledger's projections none may keep the rest from its end
        files = []
        reason = reason or f"the report cannot be written: {type(error).__name__}: {error}"
    complaint = sink.close(files, model)
    if files and not complaint:
        storage.pay(plan.folder)
    show_result(plan, space, record, console)
    if complaint:
        console.print(f"{complaint}; write them with: python study/report.py {plan.study} "
                      f"--rebuild-mlflow", highlight=False)  # fmt: skip
    if reason:
        print(f"study/run.py: stopped: {reason}", file=sys.stderr)
    if not record.ended:
        what, more = record.state, ""
        if record.budget_spent is not None:
            what = budget.stated(record)
            more = "".join(f" {budget.flag(kind)} MORE" for kind in plan.budget)
        resume = resume_command(plan.study, plan.storage, plan.tracking_uri)
        console.print(f"\n{what}; to go on: {resume}{more}", highlight=False, markup=False)


def _model(plan: Plan, record: StudyRecord) -> Path | None:
    """The champion's network as files beside the ledger; None where its checkpoint is gone."""
    folder, champion = plan.folder / "model", record.champion()
    found = _checkpoint(plan, champion) if champion else None
    if champion is None or found is None:
        return None
    saved.save(folder, from_flat(champion.config), record.plan["data"]["classes"], found.state())
    return folder


def show_result(plan: Plan, space: Space, record: StudyRecord, console: Console) -> None:
    """The ranking, the importance, and where everything is."""
    state = next(iter(_best_state(plan, record)), None)
    describe.print_result(console, plan, record, importances(record, space), state)


def _best_state(plan: Plan, record: StudyRecord) -> list[Path]:
    """The best trial's training state, if it has one."""
    best = record.best()
    found = _checkpoint(plan, best) if best else None
    return [found.folder / checkpoint.STATE] if found else []
