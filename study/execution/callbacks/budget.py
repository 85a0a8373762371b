"""A spent budget, as Tune is told of it: no new trial, and running ones end with their epoch."""

from typing import Any

from ray import tune
from ray.tune.search import Searcher

from study.ledger.record import StudyRecord
from study.planning.budget import is_spent


class BudgetStopper(tune.Stopper):
    """Ends a trial after the epoch in which the budget was spent; its checkpoint is written."""

    def __init__(self, record: StudyRecord) -> None:
        self._record: StudyRecord | None = record
        self.cut: set[str] = set()
        """Tune's names of the trials that ended so, and go on after a resume."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles it for a restore that Edgewise never asks of it."""
        return {"_record": None, "cut": set()}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        assert self._record is not None
        if result["done"] or not is_spent(self._record):
            return False
        self.cut.add(trial_id)
        return True

    def stop_all(self) -> bool:
        return False


class WhileBudgetLasts(Searcher):
    """Another searcher, until the budget is spent."""

    def __init__(self, inner: Searcher, record: StudyRecord) -> None:
        super().__init__(metric=inner.metric, mode=inner.mode)
        self._inner, self._record = inner, record

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        return Searcher.FINISHED if is_spent(self._record) else self._inner.suggest(trial_id)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self._inner.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._inner.on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a search is rebuilt from the ledger")
