"""From a checked plan to a finished study: trials, then their test."""

import time
from typing import Any

import ray
from rich.console import Console

from search_spaces import Space
from study import arms, budget, confirm, earlier, gallery, image_counts, storage, tuner
from study.faults import Faults, Policy
from study.finish import finish
from study.kept import Keepsakes, checkpoint_of
from study.ledger import Ledger, StorageError
from study.mlflow_sink import MlflowSink
from study.plan import Plan
from study.progress import LiveProgress
from study.provenance import provenance
from study.record import StudyRecord
from study.search import Waiting
from study.stopping import INTERRUPTED, STOPPED, Stop
from study.trial_record import FINAL
from trainables.data import DataError, Dataset
from trainables.mailbox import LaneSettings


def execute(
    plan: Plan, space: Space, dataset: Dataset, ledger: Ledger, console: Console, policy: Policy
) -> int:
    """Run what is left of a study. The exit code: 0 once it or its budget has ended, else how it
    was cut off."""
    stop = Stop()
    sink = MlflowSink(plan.tracking_uri, ledger.record, Keepsakes(plan, dataset))
    try:
        _run(plan, space, dataset, ledger, console, sink, Faults(policy, stop))
    except KeyboardInterrupt:
        pass  # what is known is written, and the study goes on another time
    except (StorageError, DataError) as error:
        stop.reason = str(getattr(error, "cause", error))
    finish(plan, space, ledger, sink, console, stop.reason)
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
        if trial.tested is None and (kept := checkpoint_of(plan, trial)) is not None
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
    found = [
        (trial, kept) for trial in gallery.shown(record) if (kept := checkpoint_of(plan, trial))
    ]
    rows = gallery.worst_images(plan.folder, [trial for trial, _ in found])
    if rows and not folder.exists():
        gallery.make(found, rows, ray.get(shared), shared, folder, plan)
