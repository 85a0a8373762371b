"""Where the next trial's parameters come from: Optuna, told everything that the ledger knows.

Optuna's storage stays in memory: a persistent one runs ahead of Tune's own record and breaks a
restored search. A resumed study fills it from the ledger instead.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch
from ray.tune.utils.util import flatten_dict

from search_spaces import Space
from study.ledger.record import InterruptedTrial, StudyRecord, Value
from study.search.optuna_study import STUDY_NAME, failure_state, optuna_study, warm_start_trials
from study.search.reuse import DrawReuse
from study.search.samplers import GENERATION, SeededByNumber


class LedgerSearch(Searcher):
    """Tune's searcher: first the trials that were cut off, then new ones from OptunaSearch."""

    def __init__(
        self,
        record: StudyRecord,
        space: Space,
        waiting: list[InterruptedTrial],
        config_of: Callable[[dict[str, Value]], dict[str, Value]],
        taking: DrawReuse | None = None,
    ) -> None:
        """``config_of`` resolves searched parameters to a whole flat config; ``taking`` takes over
        what an earlier study ran."""
        plan = record.plan
        super().__init__(metric=plan["objective"], mode=plan["mode"])
        self._objectives = list(record.objectives)
        storage = InMemoryStorage()
        before = warm_start_trials(plan.get("warm_start", {}), space)
        self._before = len(before)
        self._study = optuna_study(record, space, storage, before)
        several = len(record.objectives) > 1
        self._new = OptunaSearch(
            space=space.suggest,
            study_name=STUDY_NAME,
            metric=list(record.objectives) if several else plan["objective"],
            mode=list(record.objectives.values()) if several else plan["mode"],
            sampler=SeededByNumber(plan["sampler"], plan["seed"], plan["trials"]),
            storage=storage,
        )
        self._waiting = deque(waiting)
        self._left = deque(n for n in range(plan["trials"]) if n not in record.trials)
        self._config_of = config_of
        self._taking = taking
        self._continued: dict[str, int] = {}
        self._drawn: dict[str, int] = {}
        """A new trial's number, by Tune's name; trials that are taken over have none."""

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """What to run next, or ``Searcher.FINISHED``."""
        if self._waiting:
            waiting = self._waiting.popleft()
            self._continued[trial_id] = waiting.number
            return self._tune_config(waiting.number, waiting.params, waiting.resume_from)
        while self._left:
            number = self._left[0]
            config = self._draw(number)
            if not (self._taking and self._taking.take(config)):
                self._drawn[trial_id] = number
                return config
        return Searcher.FINISHED

    def _draw(self, number: int) -> dict[str, Any]:
        """The next trial, from all that is known so far."""
        for taken in self._taking.due(number) if self._taking else ():
            self._new.on_trial_complete(_name(taken.number), dict(taken.metrics))
        params = flatten_dict(self._new.suggest(_name(number)))
        self._left.popleft()
        config = self._tune_config(number, params, "")
        drawn = self._study.get_trials(deepcopy=False)[self._before + number]
        generation = drawn.system_attrs.get(GENERATION)
        return config if generation is None else {**config, "generation": generation}

    def _tune_config(
        self, number: int, params: dict[str, Value], resume_from: str
    ) -> dict[str, Any]:
        config = self._config_of(params)
        return {"number": number, "params": params, "config": config, "resume_from": resume_from}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if trial_id in self._drawn and result.get(self.metric) is not None:
            self._new.on_trial_result(_name(self._drawn[trial_id]), result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        result = result or {}
        values = self._values(result)
        failed = failure_state(result.get("failure/kind"), len(self._objectives))
        if trial_id in self._continued:
            state = TrialState.COMPLETE if values is not None else failed
            number = self._before + self._continued.pop(trial_id)
            self._study.tell(number, values, state=state)
        elif failed == TrialState.PRUNED:
            self._study.tell(self._before + self._drawn.pop(trial_id), state=failed)
        elif values is None:
            self._new.on_trial_complete(_name(self._drawn.pop(trial_id)), error=True)
        else:
            self._new.on_trial_complete(_name(self._drawn.pop(trial_id)), result)

    def _values(self, result: dict[str, Any]) -> list[float] | None:
        """All objectives, or None where one is missing or no number: such a trial has failed."""
        found = [result.get(name) for name in self._objectives]
        values = [value for value in found if value is not None and math.isfinite(value)]
        return values if len(values) == len(found) else None

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Tune offers to keep the searcher's state, but the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a search is rebuilt from the ledger")


def _name(number: int) -> str:
    return f"trial {number}"
