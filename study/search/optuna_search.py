"""Tune's searcher for a search: Optuna, filled with all trials of the ledger.

Optuna's storage stays in memory. A persistent one runs ahead of the state that Tune saves, and a
restored search then fails with ``UpdateFinishedTrialError``. A resumed study fills it from the
ledger instead.
"""

import math
from collections.abc import Callable, Sequence

from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from ray.tune.search.optuna import OptunaSearch
from ray.tune.utils.util import flatten_dict

from search_spaces import Space
from study.ledger.record import StudyRecord
from study.ledger.trial_record import InterruptedTrial
from study.search.optuna_study import STUDY_NAME, failure_state, optuna_study, warm_start_trials
from study.search.planned_search import PlannedSearch, Result
from study.search.reuse import DrawReuse
from study.search.samplers import GENERATION, SeededByNumber
from trainables.config import Value
from trainables.lane.trial_spec import TrialSpec


class LedgerSearch(PlannedSearch):
    """Draws new trials with Ray's ``OptunaSearch``, over a study that is filled from the ledger."""

    def __init__(
        self,
        record: StudyRecord,
        space: Space,
        interrupted: Sequence[InterruptedTrial],
        config_of: Callable[[dict[str, Value]], dict[str, Value]],
        reuse: DrawReuse | None = None,
    ) -> None:
        """
        Args:
            config_of: resolves searched parameters to a complete flat config.
            reuse: finds draws that an earlier study ran.
        """
        plan, search = record.plan, record.plan.search
        super().__init__(record, interrupted, range(search.trials))
        self._continued = {trial.number for trial in interrupted}
        self._config_of, self._reuse = config_of, reuse
        storage = InMemoryStorage()
        warm = warm_start_trials(search.warm_start, space)
        self._warm = len(warm)
        self._objectives = list(plan.objectives)
        self.study = optuna_study(record.trials, plan.objectives, space, storage, warm)
        """Optuna's view of the search."""
        several = len(plan.objectives) > 1
        # By the name and the storage, OptunaSearch loads the study above instead of a new one.
        self._new = OptunaSearch(
            space=space.suggest,
            study_name=STUDY_NAME,
            metric=self._objectives if several else plan.objective,
            mode=list(plan.objectives.values()) if several else plan.mode,
            sampler=SeededByNumber(search.sampler, plan.seed, search.trials),
            storage=storage,
        )

    def continued(self, trial: InterruptedTrial) -> TrialSpec:
        return TrialSpec(
            number=trial.number,
            params=trial.params,
            config=self._config_of(trial.params),
            resume_from=trial.resume_from,
        )

    def draw(self, number: int) -> TrialSpec | None:
        for reused in self._reuse.due(number) if self._reuse else ():
            self._new.on_trial_complete(_name(reused.number), dict(reused.metrics))
        params = flatten_dict(self._new.suggest(_name(number)))
        drawn = self.study.get_trials(deepcopy=False)[self._warm + number]
        spec = TrialSpec(
            number=number,
            params=params,
            config=self._config_of(params),
            generation=drawn.system_attrs.get(GENERATION),
        )
        return None if self._reuse and self._reuse.take(spec) else spec

    def on_trial_result(self, trial_id: str, result: Result) -> None:
        number = self._numbers[trial_id]
        # OptunaSearch knows nothing of a continued trial, which an earlier attempt drew.
        if number not in self._continued and result.get(self.metric) is not None:
            self._new.on_trial_result(_name(number), result)

    def learn(self, number: int, result: Result) -> None:
        """Report a result to Optuna.

        OptunaSearch knows only the trials that it suggested and cannot report a pruned one, so the
        others go to the study directly.
        """
        values = self._values(result)
        kind = result.get("failure/kind")
        state = failure_state(None if kind is None else str(kind), len(self._objectives))
        if number in self._continued:
            done = TrialState.COMPLETE if values is not None else state
            self.study.tell(self._warm + number, values, state=done)
        elif state == TrialState.PRUNED:
            self.study.tell(self._warm + number, state=state)
        elif values is None:
            self._new.on_trial_complete(_name(number), error=True)
        else:
            self._new.on_trial_complete(_name(number), result)

    def _values(self, result: Result) -> list[float] | None:
        """All objectives; None if one is missing or not finite, since that trial has failed."""
        reported = [result.get(name) for name in self._objectives]
        values = [x for x in reported if isinstance(x, int | float) and math.isfinite(x)]
        return values if len(values) == len(reported) else None


def _name(number: int) -> str:
    return f"trial {number}"
