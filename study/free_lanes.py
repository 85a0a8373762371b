"""Which of the trials that wait gets a lane that has become free."""

from time import monotonic
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

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
