"""From a plan to a running ``ray.tune.Tuner``."""

from time import monotonic
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from study.ledger.record import StudyRecord, TrialRecord


def make_scheduler(record: StudyRecord) -> TrialScheduler:
    """ASHA or none, told of every epoch that the ledger knows."""
    plan = record.plan
    if plan["scheduler"] == "none":
        return Fifo()
    epochs = plan["base"]["epochs"]
    asha = Asha(
        time_attr="epoch",
        metric=plan["objective"],
        mode=plan["mode"],
        max_t=epochs,
        grace_period=max(1, epochs // 3),
        reduction_factor=2,
    )
    for trial in record.trials.values():
        replay_epochs(asha, trial)
    return asha


def replay_epochs(scheduler: TrialScheduler, trial: TrialRecord) -> None:
    """Let ASHA know the epochs of a trial that it did not see run."""
    # ASHA reads a trial's id alone; what is decided here was decided before.
    told: Any = SimpleNamespace(trial_id=f"ledger-{trial.number}")
    scheduler.on_trial_add(None, told)
    for epoch in sorted(trial.epochs):
        result = {"epoch": epoch, **trial.epochs[epoch]["metrics"]}
        scheduler.on_trial_result(None, told, result)


_PATIENCE_S = 60.0
"""A lane that takes longer than this to start waits for a machine."""


class _NewestFirst(FIFOScheduler):
    """The newest, as long as the older ones' lanes are on their way.

    Tune ends the lane that is starting for a trial which it gives a free one. In the order of their
    numbers, as Tune's own schedulers have it, trials shorter than a lane's start would end every
    lane that starts, and the study would stay on those that it has.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._since: dict[str, float] = {}

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        live, now, before = tune_controller.get_live_trials(), monotonic(), self._since
        waiting = sorted(
            (trial for trial in live if trial.status == Trial.PENDING),
            key=lambda trial: int(trial.config["number"]),
        )
        self._since = {trial.trial_id: before.get(trial.trial_id, now) for trial in waiting}
        late = [trial for trial in waiting if now - self._since[trial.trial_id] > _PATIENCE_S]
        new = [trial for trial in waiting if trial.trial_id not in before]
        return next(iter([*late, *new, *reversed(waiting)]), None)


class Fifo(_NewestFirst):
    """Every trial to its end."""


class Asha(_NewestFirst, ASHAScheduler):
    """Those behind are stopped early."""
