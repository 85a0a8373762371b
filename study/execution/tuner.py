"""Runs the trials of a plan with ``ray.tune.Tuner``."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ray import tune
from ray.tune.search import ConcurrencyLimiter

from cluster import session
from search_spaces import Space
from study.analysis.confirmation import planned_trials
from study.execution.callbacks.budget import BudgetStopper
from study.execution.callbacks.ended_trials import EndedTrials
from study.execution.callbacks.lanes import ElasticLanes, WaitingLanes
from study.execution.callbacks.ledger_writer import ACTOR_RESTARTS, LedgerWriter, StageWatch
from study.execution.callbacks.pickled_errors import NoPickledErrors
from study.execution.phases import phases
from study.execution.schedulers import make_scheduler, replay_epochs
from study.execution.stopping import Faults, Policy, Stop, storage_faults_stop, while_tune_runs
from study.ledger.events import LanesChanged, LanesWaiting
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.planning.budget import is_spent
from study.search.phases import PhasedSearch
from trainables.lane.mailbox import LaneSettings
from trainables.lane.trial import Trial
from trainables.training import checkpoint

_STARTING_AT_ONCE = 64
"""Trials whose lanes may start at the same time; Tune would start one after the other."""
_ANCHOR_BYTES = 2**20
"""Tune's actor only waits for its lane. It requests a little memory, since Tune refuses an empty
request, and no CPU: a fraction of one would leave too little for the lane's workers."""


def run(
    plan: Plan,
    space: Space,
    ledger: Ledger,
    settings: LaneSettings,
    interrupted: Sequence[InterruptedTrial],
    faults: Faults | None = None,
    digest: str = "",
) -> None:
    """Run what is left of the plan's trials, phase by phase.

    Args:
        digest: of the data as the lanes read it; "": the ledger's, which an older version may have
            taken in another way.
    """
    record, faults = ledger.record, faults or Faults(Policy(), Stop())
    left = planned_trials(record, plan) - len(record.trials) + len(interrupted)
    if left == 0:
        return
    scheduler = make_scheduler(record)
    in_order = phases(
        plan, space, ledger, interrupted, lambda trial: replay_epochs(scheduler, trial)
    )
    search = PhasedSearch(record, in_order)
    search.may_start = lambda: not is_spent(ledger.record)
    limiter = ConcurrencyLimiter(search, plan.lanes)
    stopper = BudgetStopper(record) if plan.budget else None
    callbacks = _callbacks(plan, ledger, limiter, faults, stopper, digest or record.data.digest)
    attempt = StudyFolder.of(plan).new_attempt()
    os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", str(_STARTING_AT_ONCE))
    tuner = tune.Tuner(
        _trainable(settings, attempt),
        tune_config=tune.TuneConfig(
            search_alg=limiter,
            scheduler=scheduler,
            num_samples=left,
            reuse_actors=True,  # the next trial runs on the same warm lane
            trial_dirname_creator=lambda trial: (
                checkpoint.trial_folder(attempt, trial.config["number"]).name
            ),
        ),
        run_config=_run_config(attempt, callbacks, stopper),
    )
    with while_tune_runs(), storage_faults_stop(attempt.parent, faults.stop):
        tuner.fit()


def _trainable(settings: LaneSettings, attempt: Path) -> type[tune.Trainable]:
    trainable = tune.with_parameters(Trial, settings=replace(settings, checkpoints=str(attempt)))
    return tune.with_resources(trainable, {"memory": _ANCHOR_BYTES})


def _run_config(
    attempt: Path, callbacks: list[tune.Callback], stopper: BudgetStopper | None
) -> tune.RunConfig:
    return tune.RunConfig(
        name=attempt.name,
        storage_path=str(attempt.parent),
        callbacks=callbacks,
        stop=stopper,
        # A trial writes its own checkpoints (trainables/lane/trial.py).
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        failure_config=tune.FailureConfig(max_failures=ACTOR_RESTARTS),
        verbose=0,  # LiveProgress prints instead
    )


def _callbacks(
    plan: Plan,
    ledger: Ledger,
    limiter: ConcurrencyLimiter,
    faults: Faults,
    stopper: BudgetStopper | None,
    digest: str,
) -> list[tune.Callback]:
    def on_change(lanes: int, nodes: int) -> None:
        ledger.append(LanesChanged(lanes=lanes, nodes=nodes))

    def on_wait(lanes: int, missing: str) -> None:
        ledger.append(LanesWaiting(lanes=lanes, missing=missing))

    return [
        StageWatch(ledger, StudyFolder.of(plan).stages, digest),
        LedgerWriter(ledger, faults, stopper, digest),
        ElasticLanes(plan, limiter, session.cluster_nodes, on_change),
        WaitingLanes(faults.policy.lane_wait_s, faults.stop, on_wait),
        NoPickledErrors(),
        EndedTrials(),
    ]
