"""Converts the trials of a ledger to an Optuna study."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_spaces import Space
from study.ledger.prior_trials import WarmStart
from study.ledger.trial_record import TrialRecord
from study.search.samplers import GENERATION
from trainables.lane.failures import is_result

STUDY_NAME = "edgewise"
_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}


def as_optuna(trial: TrialRecord, space: Space, objectives: Sequence[str]) -> FrozenTrial:
    """Convert a trial of the ledger to Optuna's frozen trial."""
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
    """The objective by epoch; {} for several objectives, where Optuna accepts no such values."""
    if len(objectives) > 1:
        return {}
    name = objectives[0]
    values = {epoch: record.metrics.get(name) for epoch, record in trial.epochs.items()}
    return {epoch: value for epoch, value in values.items() if value is not None}


def warm_start_trials(warm: WarmStart | None, space: Space) -> list[FrozenTrial]:
    """The trials of a warm start; for NSGA-II, the generation from which all others descend."""
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
    """The state in which a failed trial is reported to the sampler.

    A failure that the config itself caused counts as pruned. TPE ranks pruned trials behind every
    value and therefore searches elsewhere. Other failures say nothing about the config, so the
    sampler ignores them. With several objectives, Optuna supports no pruning.
    """
    return TrialState.PRUNED if is_result(kind) and objectives == 1 else TrialState.FAIL


def optuna_study(
    trials: Mapping[int, TrialRecord],
    objectives: Mapping[str, str],
    space: Space,
    storage: InMemoryStorage | None = None,
    warm: Sequence[FrozenTrial] = (),
) -> Study:
    """Trials as an Optuna study with the same numbers, counted after the warm start's trials.

    With several lanes a trial may start before one of a lower number. If the study is killed in
    between, the missing number is added as waiting, so that Optuna draws it next.
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
