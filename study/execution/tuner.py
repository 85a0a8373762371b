"""From a plan to a running ``ray.tune.Tuner``."""

import os
from dataclasses import replace

from ray import tune
from ray.tune.search import ConcurrencyLimiter, Searcher

from cluster import session
from search_spaces import Space
from study.execution.callbacks.budget import BudgetStopper, WhileBudgetLasts
from study.execution.callbacks.lanes import ElasticLanes, WaitingLanes
from study.execution.callbacks.ledger_writer import ACTOR_RESTARTS, LedgerWriter, StageWatch
from study.execution.schedulers import make_scheduler, replay_epochs
from study.execution.stopping import Faults, Policy, Stop, while_tune_runs
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import InterruptedTrial, StudyRecord
from study.planning.runs import grid_runs
from study.search import cell_search
from study.search.grid_search import GridSearch
from study.search.optuna_search import LedgerSearch
from study.search.reuse import DrawReuse
from trainables.lane.mailbox import LaneSettings
from trainables.lane.trial import Trial
from trainables.training import checkpoint

_STARTING_AT_ONCE = 64
_ANCHOR_BYTES = 2**20
"""Tune's actor only waits for its lane. It asks for a little memory and no CPU: a fraction of one
would leave too little for the lane's workers."""


def run(
    plan: Plan,
    space: Space,
    ledger: Ledger,
    settings: LaneSettings,
    waiting: list[InterruptedTrial],
    faults: Faults | None = None,
) -> None:
    """Run what is left of the plan. Everything that happens goes to the ledger."""
    searches = cell_search.pending(plan, ledger.record)
    left = (cell_search.total(plan) if searches else plan.trials) - len(ledger.record.trials)
    left += len(waiting)
    if left == 0:
        return
    faults = faults or Faults(Policy(), Stop())
    attempt = len(list((plan.folder / "tune").glob("attempt-*"))) + 1
    scheduler = make_scheduler(ledger.record)
    draws = searches or plan.grid is None
    taking = (
        DrawReuse(plan, ledger, lambda trial: replay_epochs(scheduler, trial)) if draws else None
    )
    search = make_search(plan, space, ledger.record, waiting, taking)
    stopper = BudgetStopper(ledger.record) if plan.budget else None
    if plan.budget:
        search = WhileBudgetLasts(search, ledger.record)
    search = ConcurrencyLimiter(search, plan.lanes)
    elastic = ElasticLanes(
        plan,
        search,
        session.cluster_nodes,
        lambda lanes, nodes: ledger.append("lanes", lanes=lanes, nodes=nodes),
    )
    waits = WaitingLanes(
        faults.policy.lane_wait_s,
        faults.stop,
        lambda lanes, missing: ledger.append("waiting", lanes=lanes, missing=missing),
    )
    _configure_tune()
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


def _configure_tune() -> None:
    """Let many actors start at once."""
    os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", str(_STARTING_AT_ONCE))


def make_search(
    plan: Plan,
    space: Space,
    record: StudyRecord,
    waiting: list[InterruptedTrial],
    taking: DrawReuse | None = None,
) -> Searcher:
    """What hands out the trials: a grid's own, in order, or the space's, as Optuna draws them."""
    if cell_search.pending(plan, record):
        return cell_search.CellSearch(plan, record, waiting, taking)
    if plan.grid is not None:
        return GridSearch(record, grid_runs(plan), waiting)
    return LedgerSearch(record, space, waiting, plan.resolve, taking)
