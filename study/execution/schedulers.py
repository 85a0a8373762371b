"""Tune's schedulers, which also choose the pending trial that gets a free lane."""

from time import monotonic
from types import SimpleNamespace

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord

_PATIENCE_S = 60.0
"""A lane that takes longer than this to start is assumed to wait for a machine."""


class _NewestFirst(FIFOScheduler):
    """Gives a free lane to the newest pending trial while the lanes of older ones are starting.

    When Tune gives a free lane to a trial, it ends the lane that is starting for that trial. In
    the order of their numbers, which Tune's own schedulers follow, trials that are shorter than a
    lane's start would end every lane that starts, and the study would never get more lanes.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._since: dict[str, float] = {}

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        live, now, before = tune_controller.get_live_trials(), monotonic(), self._since
        pending = sorted(
            (trial for trial in live if trial.status == Trial.PENDING),
            key=lambda trial: int(trial.config["number"]),
        )
        self._since = {trial.trial_id: before.get(trial.trial_id, now) for trial in pending}
        late = [trial for trial in pending if now - self._since[trial.trial_id] > _PATIENCE_S]
        new = [trial for trial in pending if trial.trial_id not in before]
        return next(iter([*late, *new, *reversed(pending)]), None)


class Fifo(_NewestFirst):
    """Every trial runs to its end."""


class Asha(_NewestFirst, ASHAScheduler):
    """Trials of the search that are behind stop early, by successive halving.

    Those that confirm its winner all run to their end.
    """

    def on_trial_result(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, object]
    ) -> str:
        if _confirms(trial):
            return str(TrialScheduler.CONTINUE)
        return str(super().on_trial_result(tune_controller, trial, result))

    def on_trial_complete(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, object]
    ) -> None:
        if not _confirms(trial):
            super().on_trial_complete(tune_controller, trial, result)


def _confirms(trial: Trial) -> bool:
    return trial.config.get("phase") == "confirm"


def make_scheduler(record: StudyRecord) -> TrialScheduler:
    """The plan's scheduler; ASHA receives every epoch that the ledger has."""
    plan = record.plan
    if plan.design.scheduler == "none":
        return Fifo()
    epochs = plan.epochs
    asha = Asha(
        time_attr="epoch",
        metric=plan.objective,
        mode=plan.mode,
        max_t=epochs,
        grace_period=max(1, epochs // 3),
        reduction_factor=2,
    )
    for trial in record.searched().trials.values():
        replay_epochs(asha, trial)
    return asha


def replay_epochs(scheduler: TrialScheduler, trial: TrialRecord) -> None:
    """Report the epochs of a trial that ASHA did not see run."""
    # ASHA reads only the trial's id. Its decisions are ignored: the epochs have already run.
    stand_in = SimpleNamespace(trial_id=f"ledger-{trial.number}", config={})
    scheduler.on_trial_add(None, stand_in)
    for epoch, record in sorted(trial.epochs.items()):
        scheduler.on_trial_result(None, stand_in, {"epoch": epoch, **record.metrics})
