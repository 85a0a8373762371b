"""Where the next trial's parameters come from: Optuna, told everything that the ledger knows.

Optuna's storage stays in memory: a persistent one runs ahead of Tune's own record and breaks a
restored search. A resumed study fills it from the ledger instead.
"""

import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    RandomSampler,
    TPESampler,
)
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch
from ray.tune.utils.util import flatten_dict

from search_spaces import Space
from study.record import StudyRecord, TrialRecord, Value

_STUDY = "edgewise"


def make_sampler(name: str, seed: int, trials: int) -> BaseSampler:
    """One of Optuna's samplers, its random start-up sized to the study."""
    startup = min(10, max(3, trials // 3))
    makers: dict[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: TPESampler(
            multivariate=True, group=True, constant_liar=True, n_startup_trials=startup, seed=seed
        ),
        "random": lambda: RandomSampler(seed=seed),
        "gp": lambda: GPSampler(n_startup_trials=startup, seed=seed),
        "cmaes": lambda: CmaEsSampler(n_startup_trials=startup, seed=seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return makers[name]()


class SeededByNumber(BaseSampler):
    """Draws trial ``n`` from (seed, n) and the results so far; not from how the study got there.

    A sampler that lives as long as the study carries its random state from trial to trial, and a
    resumed study would draw other trials than an uninterrupted one.
    """

    def __init__(self, name: str, seed: int, trials: int) -> None:
        self._name, self._seed, self._trials = name, seed, trials
        self._inner: BaseSampler = make_sampler(name, seed, trials)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = (self._seed * 1_000_003 + trial.number) % 2**32
        self._inner = make_sampler(self._name, seed, self._trials)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # fmt: skip
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self._inner.after_trial(study, trial, state, values)


def as_optuna(trial: TrialRecord, space: Space, objective: str) -> FrozenTrial:
    """A trial of the ledger as Optuna's own record of it."""
    value = trial.value(objective)
    state = {"running": TrialState.RUNNING, "failed": TrialState.FAIL}.get(
        trial.state, TrialState.COMPLETE if value is not None else TrialState.FAIL
    )
    reported = {epoch: kept["metrics"].get(objective) for epoch, kept in trial.epochs.items()}
    return create_trial(
        state=state,
        value=value if state == TrialState.COMPLETE else None,
        params=trial.params,
        distributions=space.distributions(trial.params),
        intermediate_values={epoch: v for epoch, v in reported.items() if v is not None},
    )


def optuna_study(
    record: StudyRecord, space: Space, storage: InMemoryStorage | None = None
) -> Study:
    """The whole ledger as an Optuna study, trial numbers kept."""
    study = optuna.create_study(
        storage=storage or InMemoryStorage(), study_name=_STUDY, direction=_direction(record)
    )
    for number in sorted(record.trials):
        study.add_trial(as_optuna(record.trials[number], space, record.plan["objective"]))
    return study


def _direction(record: StudyRecord) -> StudyDirection:
    return StudyDirection.MAXIMIZE if record.plan["mode"] == "max" else StudyDirection.MINIMIZE


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
        config_of: Callable[[dict[str, Value]], dict[str, Value]],
    ) -> None:  # fmt: skip
        """``config_of`` resolves searched parameters to a whole flat config."""
        plan = record.plan
        super().__init__(metric=plan["objective"], mode=plan["mode"])
        storage = InMemoryStorage()
        self._study = optuna_study(record, space, storage)
        self._new = OptunaSearch(
            space=space.suggest, metric=plan["objective"], mode=plan["mode"], study_name=_STUDY,
            sampler=SeededByNumber(plan["sampler"], plan["seed"], plan["trials"]), storage=storage,
        )  # fmt: skip
        self._waiting = deque(waiting)
        self._planned = len(record.trials)
        self._trials = plan["trials"]
        self._config_of = config_of
        self._continued: dict[str, int] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if self._waiting:
            waiting = self._waiting.popleft()
            self._continued[trial_id] = waiting.number
            return self._tune_config(waiting.number, waiting.params, waiting.resume_from)
        if self._planned == self._trials:
            return None
        params = flatten_dict(self._new.suggest(trial_id))
        number = self._planned
        self._planned += 1
        return self._tune_config(number, params, "")

    def _tune_config(
        self, number: int, params: dict[str, Value], resume_from: str
    ) -> dict[str, Any]:
        config = self._config_of(params)
        return {"number": number, "params": params, "config": config, "resume_from": resume_from}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if trial_id not in self._continued and result.get(self.metric) is not None:
            self._new.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        value = (result or {}).get(self.metric)
        if trial_id in self._continued:
            state = TrialState.COMPLETE if value is not None else TrialState.FAIL
            self._study.tell(self._continued.pop(trial_id), value, state=state)
        elif value is None:
            self._new.on_trial_complete(trial_id, error=True)
        else:
            self._new.on_trial_complete(trial_id, result)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Tune offers to keep the searcher's state, but the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a search is rebuilt from the ledger")
