"""What a search found: the order of its trials, and which parameter mattered."""

import warnings

import optuna

from search_spaces import Space
from study.ledger.record import StudyRecord
from study.search.optuna_study import optuna_study

_TREES, _TREES_OF_MANY, _MANY = 64, 16, 200
"""Trees of the forest; their time grows with the trials, their doubt shrinks with them."""

_FEWEST = 4
"""Trials below which an importance would be noise."""


def importances(record: StudyRecord, space: Space) -> dict[str, float]:
    """Share of the objective's variance by parameter (fANOVA), over trials that ran all epochs.

    Empty where there are too few trials, where they do not differ, and for a grid.
    """
    if "grid" in record.plan:
        return {}
    complete = record.in_state("complete")
    values = {trial.value(record.plan["objective"]) for trial in complete}
    if len(complete) < _FEWEST or len(values) < 2:
        return {}
    plan = {**record.plan, "objectives": {}}  # of several the first
    only = StudyRecord(plan=plan, trials={trial.number: trial for trial in complete})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(
            n_trees=_TREES if len(complete) < _MANY else _TREES_OF_MANY, seed=0
        )
        try:
            study = optuna_study(only, space)
        except ValueError:  # the space has other parameters than when the study ran
            return {}
        return optuna.importance.get_param_importances(study, evaluator=evaluator)
