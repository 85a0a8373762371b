"""How much each searched parameter mattered."""

import warnings

import optuna

from search_spaces import Space
from study.analysis.results import StudyResults
from study.search.optuna_study import optuna_study

_TREES, _TREES_OF_MANY, _MANY = 64, 16, 200
"""Trees of the forest. With ``_MANY`` trials or more, each tree takes longer and fewer suffice."""
_FEWEST = 20
"""With fewer trials an importance would be noise."""


def importances(results: StudyResults, space: Space) -> dict[str, float]:
    """Share of the first objective's variance by parameter (fANOVA), over complete trials.

    Empty if there are too few trials, if their values are all equal, and for an ablation.
    """
    record = results.record
    if results.best is None:
        return {}
    objective, mode = record.plan.objective, record.plan.mode
    complete = {trial.number: trial for trial in record.searched().in_state("complete")}
    values = {trial.value(objective) for trial in complete.values()}
    if len(complete) < _FEWEST or len(values) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(
            n_trees=_TREES if len(complete) < _MANY else _TREES_OF_MANY, seed=0
        )
        try:
            study = optuna_study(complete, {objective: mode}, space)
        except ValueError:  # the space has changed its parameters since the study ran
            return {}
        return optuna.importance.get_param_importances(study, evaluator=evaluator)
