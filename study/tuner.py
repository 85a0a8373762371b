"""From a plan to a running ``ray.tune.Tuner``."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray import tune
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import ConcurrencyLimiter, Searcher

from cluster import session
from search_spaces import Space
from study import arms
from study.budget_stop import BudgetStopper, WhileBudgetLasts
from study.elastic import Elastic
from study.faults import Faults, Policy
from study.free_lanes import Asha, Fifo
from study.grid_plan import grid_runs
from study.grid_search import GridSearch
from study.ledger import Ledger
from study.ledger_writer import ACTOR_RESTARTS, LedgerWriter
from study.plan import Plan
from study.record import StudyRecord
from study.search import LedgerSearch, Waiting
from study.stage_watch import StageWatch
from study.stopping import Stop, while_tune_runs
from study.taking import Taking
from study.trial_record import TrialRecord
from study.waiting import WaitingLanes
from trainables import checkpoint
from trainables.mailbox import LaneSettings
from trainables.trial import Trial

_STARTING_AT_ONCE = 64
_ANCHOR_BYTES = 2**20
"""Tune's actor only waits for its lane. It asks for a little memory and no CPU: a fraction of one
would leave too little for the lane's workers."""


def make_scheduler(record: StudyRecord) -> TrialScheduler:
    """ASHA or none, told of every epoch that the ledger knows."""
    plan = record.plan
    if plan["scheduler"] == "none":
        return Fifo()
    epochs = plan["base"]["epochs"]
    asha = Asha(
        time_attr="epoch", metric=plan["objective"], mode=plan["mode"], max_t=epochs,
        grace_period=max(1, epochs // 3), reduction_factor=2,
    )  # fmt: skip
    for trial in record.trials.values():
        tell(asha, trial)
    return asha


def tell(scheduler: TrialScheduler, trial: TrialRecord) -> None:
    """Let ASHA know the epochs of a trial that it did not see run."""
    # ASHA reads a trial's id alone; what is decided here was decided before.
    told: Any = SimpleNamespace(trial_id=f"ledger-{trial.number}")
    scheduler.on_trial_add(None, told)
    for epoch in sorted(trial.epochs):
        result = {"epoch": epoch, **trial.epochs[epoch]["metrics"]}
        scheduler.on_trial_result(None, told, result)


def waiting_trials(ledger: Ledger, folder: Path) -> list[Waiting]:
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
        waiting.append(Waiting(trial.number, trial.params, resume_from))
    return waiting


def continue_after(waiting: list[Waiting]) -> dict[str, int]:
    """The epoch after which each of them goes on, for the ledger."""
    epochs = {}
    for trial in waiting:
        found = checkpoint.read(Path(trial.resume_from)) if trial.resume_from else None
        epochs[str(trial.number)] = found.epoch if found else 0
    return epochs


def trial_folders(folder: Path, number: int) -> list[Path]:
    """Where a trial's checkpoints lie: one folder an attempt."""
    attempts = sorted((folder / "tune").glob("attempt-*"))
    return [checkpoint.trial_folder(attempt, number) for attempt in attempts]


def run(
    plan: Plan, space: Space, ledger: Ledger, settings: LaneSettings, waiting: list[Waiting],
    faults: Faults | None = None,
) -> None:  # fmt: skip
    """Run what is left of the plan. Everything that happens goes to the ledger."""
    searches = arms.pending(plan, ledger.record)
    left = (arms.total(plan) if searches else plan.trials) - len(ledger.record.trials)
    left += len(waiting)
    if left == 0:
        return
    faults = faults or Faults(Policy(), Stop())
    attempt = len(list((plan.folder / "tune").glob("attempt-*"))) + 1
    scheduler = make_scheduler(ledger.record)
    draws = searches or plan.grid is None
    taking = Taking(plan, ledger, lambda trial: tell(scheduler, trial)) if draws else None
    search = make_search(plan, space, ledger.record, waiting, taking)
    stopper = BudgetStopper(ledger.record) if plan.budget else None
    if plan.budget:
        search = WhileBudgetLasts(search, ledger.record)
    search = ConcurrencyLimiter(search, plan.lanes)
    elastic = Elastic(plan, search, session.cluster_nodes, lambda lanes, nodes: ledger.append(
        "lanes", lanes=lanes, nodes=nodes))  # fmt: skip
    waits = WaitingLanes(faults.policy.lane_wait_s, faults.stop, lambda lanes, missing: (
        ledger.append("waiting", lanes=lanes, missing=missing)))  # fmt: skip
    _tell_tune()
    folder = plan.folder / "tune" / f"attempt-{attempt}"
    trainable = tune.with_parameters(Trial, settings=replace(settings, checkpoints=str(folder)))
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"memory": _ANCHOR_BYTES}),
        tune_config=tune.TuneConfig(
            search_alg=search,
            scheduler=scheduler,
            num_samples=left,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: (
                checkpoint.trial_folder(folder, trial.config["number"]).name
            ),
        ),
        run_config=tune.RunConfig(
            name=f"attempt-{attempt}",
            storage_path=str(plan.folder / "tune"),
            callbacks=[
                StageWatch(ledger, plan.stages_folder),
                LedgerWriter(ledger, faults, stopper),
                elastic,
                waits,
            ],
            stop=stopper,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=ACTOR_RESTARTS),
            verbose=0,
        ),
    )
    with while_tune_runs():
        tuner.fit()


def _tell_tune() -> None:
    """Start many actors at once, and leave out the state that a study could be restored from:
    nobody reads it, and it holds every trial that there ever was."""
    os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", str(_STARTING_AT_ONCE))
    os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1e9")


def make_search(
    plan: Plan,
    space: Space,
    record: StudyRecord,
    waiting: list[Waiting],
    taking: Taking | None = None,
) -> Searcher:
    """What hands out the trials: a grid's own, in order, or the space's, as Optuna draws them."""
    if arms.pending(plan, record):
        return arms.ArmsSearch(plan, record, waiting, taking)
    if plan.grid is not None:
        return GridSearch(record, grid_runs(plan), waiting)
    return LedgerSearch(record, space, waiting, plan.resolve, taking)
