"""Where the next trial's parameters come from: Optuna, told everything that the ledger knows.

Optuna's storage stays in memory: a persistent one runs ahead of Tune's own record and breaks a
restored search. A resumed study fills it from the ledger instead.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch
from ray.tune.utils.util import flatten_dict

from search_spaces import Space
from study.faults import RESULTS
from study.record import StudyRecord
from study.sampling import GENERATION, SeededByNumber
from study.taking import Taking
from study.trial_record import TrialRecord, Value

_STUDY = "edgewise"
_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}


def as_optuna(trial: TrialRecord, space: Space, objectives: Sequence[str]) -> FrozenTrial:
    """A trial of the ledger as Optuna's own record of it."""
    values = trial.values(objectives)
    kind = trial.failure["kind"] if trial.failure else None
    failed = told_state(kind, len(objectives))
    state = {"running": TrialState.RUNNING, "failed": failed}.get(
        trial.state, TrialState.COMPLETE if values is not None else TrialState.FAIL
    )
    return create_trial(
        state=state,
        values=values if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=trial.params,
        distributions=space.distributions(trial.params),
        intermediate_values=_reported(trial, objectives),
        system_attrs={} if trial.generation is None else {GENERATION: trial.generation},
    )


def _reported(trial: TrialRecord, objectives: Sequence[str]) -> dict[int, float]:
    """The objective by epoch; Optuna takes none where there are several."""
    if len(objectives) > 1:
        return {}
    found = {epoch: kept["metrics"].get(objectives[0]) for epoch, kept in trial.epochs.items()}
    return {epoch: value for epoch, value in found.items() if value is not None}


def of_others(warm: Mapping[str, Any], space: Space) -> list[FrozenTrial]:
    """Trials of a warm start; for NSGA-II the generation that all others descend from."""
    return [
        create_trial(
            values=trial["values"],
            params=trial["params"],
            distributions=space.distributions(trial["params"]),
            system_attrs={GENERATION: 0},
        )
        for trial in warm.get("trials", [])
    ]


def told_state(kind: str | None, objectives: int = 1) -> TrialState:
    """How a trial that failed in this way is told to a sampler.

    What the config itself brought about is told as pruned, which TPE ranks behind every value: it
    goes elsewhere. What has nothing to do with the config is told as failed, and ignored. With
    several objectives Optuna knows no pruning.
    """
    return TrialState.PRUNED if kind in RESULTS and objectives == 1 else TrialState.FAIL


def optuna_study(
    record: StudyRecord, space: Space, storage: InMemoryStorage | None = None,
    before: Sequence[FrozenTrial] = (),
) -> Study:  # fmt: skip
    """The whole ledger as an Optuna study, trial numbers kept; those of others come before.

    Of two lanes the later one may start first: a number that a kill left out is asked for next.
    """
    study = optuna.create_study(
        storage=storage or InMemoryStorage(),
        study_name=_STUDY,
        directions=[_DIRECTIONS[mode] for mode in record.objectives.values()],
    )
    study.add_trials(before)
    objectives = list(record.objectives)
    for number in range(max(record.trials, default=-1) + 1):
        trial = record.trials.get(number)
        study.add_trial(create_trial(state=TrialState.WAITING) if trial is None
                        else as_optuna(trial, space, objectives))  # fmt: skip
    return study


@dataclass(frozen=True)
class Waiting:
    """A trial that an earlier attempt began and that goes on now."""

    number: int
    params: dict[str, Value]
    resume_from: str
    """Its last whole checkpoint; "" where it has none and starts again."""


class LedgerSearch(Searcher):
    """Tune's searcher: first the trials that were cut off, then new ones from OptunaSearch."""

    def __init__(
        self, record: StudyRecord, space: Space, waiting: list[Waiting],
        config_of: Callable[[dict[str, Value]], dict[str, Value]], taking: Taking | None = None,
    ) -> None:  # fmt: skip
        """``config_of`` resolves searched parameters to a whole flat config; ``taking`` takes over
        what an earlier study ran."""
        plan = record.plan
        super().__init__(metric=plan["objective"], mode=plan["mode"])
        self._objectives = list(record.objectives)
        storage = InMemoryStorage()
        before = of_others(plan.get("warm_start", {}), space)
        self._before = len(before)
        self._study = optuna_study(record, space, storage, before)
        several = len(record.objectives) > 1
        self._new = OptunaSearch(
            space=space.suggest, study_name=_STUDY,
            metric=list(record.objectives) if several else plan["objective"],
            mode=list(record.objectives.values()) if several else plan["mode"],
            sampler=SeededByNumber(plan["sampler"], plan["seed"], plan["trials"]), storage=storage,
        )  # fmt: skip
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
        failed = told_state(result.get("failure/kind"), len(self._objectives))
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
