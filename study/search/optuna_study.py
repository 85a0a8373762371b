"""A ledger as an Optuna study."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_spaces import Space
from study.ledger.plan import WarmStart
from study.ledger.trial_record import TrialRecord
from study.search.samplers import GENERATION
from trainables.lane.failures import is_result

STUDY_NAME = "edgewise"
_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}


def as_optuna(trial: TrialRecord, space: Space, objectives: Sequence[str]) -> FrozenTrial:
    """A trial of the ledger as Optuna's own record of it."""
    values = trial.values(objectives)
    failed = failure_state(trial.failure.kind if trial.failure else None, len(objectives))
    state = {"running": TrialState.RUNNING, "failed": failed}.get(
        trial.state, TrialState.COMPLETE if values is not None else TrialState.FAIL
    )
    return create_trial(
        state=state,
        values=values if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=trial.params,
        distributions=space.distributions(trial.params),
        intermediate_values=_by_epoch(trial, objectives),
        system_attrs={} if trial.generation is None else {GENERATION: trial.generation},
    )


def _by_epoch(trial: TrialRecord, objectives: Sequence[str]) -> dict[int, float]:
    """The objective by epoch; Optuna takes no such values where there are several objectives."""
    if len(objectives) > 1:
        return {}
    found = {epoch: kept.metrics.get(objectives[0]) for epoch, kept in trial.epochs.items()}
    return {epoch: value for epoch, value in found.items() if value is not None}


def warm_start_trials(warm: WarmStart | None, space: Space) -> list[FrozenTrial]:
    """Trials of a warm start; for NSGA-II the generation that all others descend from."""
    return [
        create_trial(
            values=trial.values,
            params=trial.params,
            distributions=space.distributions(trial.params),
            system_attrs={GENERATION: 0},
        )
        for trial in (warm.trials if warm else ())
    ]


def failure_state(kind: str | None, objectives: int = 1) -> TrialState:
    """How a sampler learns of a trial that failed in this way.

    A failure that the config itself caused counts as pruned, which TPE ranks behind every value: it
    searches elsewhere. Other failures say nothing about the config, so the sampler ignores them.
    Optuna knows no pruning with several objectives.
    """
    return TrialState.PRUNED if is_result(kind) and objectives == 1 else TrialState.FAIL


def optuna_study(
    trials: Mapping[int, TrialRecord],
    objectives: Mapping[str, str],
    space: Space,
    storage: InMemoryStorage | None = None,
    warm: Sequence[FrozenTrial] = (),
) -> Study:
    """Trials as an Optuna study that keeps their numbers, after those of a warm start.

    Of two lanes the later one may start first: Optuna is to ask for a number that a kill left out.
    """
    study = optuna.create_study(
        storage=storage or InMemoryStorage(),
        study_name=STUDY_NAME,
        directions=[_DIRECTIONS[mode] for mode in objectives.values()],
    )
    study.add_trials(warm)
    for number in range(max(trials, default=-1) + 1):
        trial = trials.get(number)
        study.add_trial(
            create_trial(state=TrialState.WAITING)
            if trial is None
            else as_optuna(trial, space, list(objectives))
        )
    return study
