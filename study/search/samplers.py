"""How parameters are drawn: Optuna's samplers, seeded by the trial's number."""

import warnings
from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

GENERATION = "NSGAIISampler:generation"
"""Optuna's attribute for a trial's generation; without it a resumed search would start a new
population."""


def make_sampler(name: str, seed: int, trials: int) -> BaseSampler:
    """One of Optuna's samplers, its random start-up (NSGA-II: its population) sized to
    the study."""
    startup = min(10, max(3, trials // 3))
    population = min(50, max(4, trials // 4))
    # TPE: "group" for conditional parameters; "constant_liar" because lanes draw while other trials
    # still run, and would all draw near the same point.
    makers: dict[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: TPESampler(
            multivariate=True, group=True, constant_liar=True, n_startup_trials=startup, seed=seed
        ),
        "random": lambda: RandomSampler(seed=seed),
        "gp": lambda: GPSampler(n_startup_trials=startup, seed=seed),
        "nsga2": lambda: NSGAIISampler(population_size=population, seed=seed),
        "cmaes": lambda: CmaEsSampler(n_startup_trials=startup, seed=seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return makers[name]()


class SeededByNumber(BaseSampler):
    """Draws trial ``n`` from (seed, n) and the results so far, however often the study was resumed.

    A sampler that lives as long as the study carries its random state from trial to trial, so a
    resumed study would draw other trials than an uninterrupted one.
    """

    def __init__(self, name: str, seed: int, trials: int) -> None:
        self._name, self._seed, self._trials = name, seed, trials
        self._inner: BaseSampler = make_sampler(name, seed, trials)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        # A large prime factor keeps the seeds of neighbouring studies apart; NumPy takes 32 bits.
        seed = (self._seed * 1_000_003 + trial.number) % 2**32
        self._inner = make_sampler(self._name, seed, self._trials)
        self._inner.before_trial(study, trial)
        if isinstance(self._inner, NSGAIISampler):
            _settle_parents(self._inner, study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, object]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> object:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self._inner.after_trial(study, trial, state, values)


def _settle_parents(sampler: NSGAIISampler, study: Study, trial: FrozenTrial) -> None:
    """Choose the parents of every generation so far, oldest first.

    Optuna returns parents in another order when it has just selected them than when it has stored
    them, so a resumed search would draw other children.
    """
    for generation in range(1, sampler.get_trial_generation(study, trial) + 1):
        sampler.get_parent_population(study, generation)
