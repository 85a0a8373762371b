"""Where the next trial's parameters come from: Optuna, told everything that the ledger knows.

Optuna's storage stays in memory: a persistent one runs ahead of Tune's own record and breaks a
restored search. A resumed study fills it from the ledger instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_spaces import Space
from study.ledger.record import StudyRecord, TrialRecord
from study.search.samplers import GENERATION
from trainables.lane.failures import is_result

STUDY_NAME = "edgewise"
_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}


def as_optuna(trial: TrialRecord, space: Space, objectives: Sequence[str]) -> FrozenTrial:
    """A trial of the ledger as Optuna's own record of it."""
    values = trial.values(objectives)
    kind = trial.failure["kind"] if trial.failure else None
    failed = failure_state(kind, len(objectives))
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


def warm_start_trials(warm: Mapping[str, Any], space: Space) -> list[FrozenTrial]:
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


def failure_state(kind: str | None, objectives: int = 1) -> TrialState:
    """How a trial that failed in this way is told to a sampler.

    What the config itself brought about is told as pruned, which TPE ranks behind every value: it
    goes elsewhere. What has nothing to do with the config is told as failed, and ignored. With
    several objectives Optuna knows no pruning.
    """
    return TrialState.PRUNED if is_result(kind) and objectives == 1 else TrialState.FAIL


def optuna_study(
    record: StudyRecord,
    space: Space,
    storage: InMemoryStorage | None = None,
    before: Sequence[FrozenTrial] = (),
) -> Study:
    """The whole ledger as an Optuna study, trial numbers kept; those of others come before.

    Of two lanes the later one may start first: a number that a kill left out is asked for next.
    """
    study = optuna.create_study(
        storage=storage or InMemoryStorage(),
        study_name=STUDY_NAME,
        directions=[_DIRECTIONS[mode] for mode in record.objectives.values()],
    )
    study.add_trials(before)
    objectives = list(record.objectives)
    for number in range(max(record.trials, default=-1) + 1):
        trial = record.trials.get(number)
        study.add_trial(
            create_trial(state=TrialState.WAITING)
            if trial is None
            else as_optuna(trial, space, objectives)
        )
    return study
