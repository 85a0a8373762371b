"""Ends running trials after their epoch once the budget is spent."""

from ray import tune

from study.ledger.json_records import Json
from study.ledger.record import StudyRecord
from study.planning.budget import is_spent


class BudgetStopper(tune.Stopper):
    """Ends a trial after the epoch in which the budget was spent, with its checkpoint written."""

    def __init__(self, record: StudyRecord) -> None:
        self._record: StudyRecord | None = record
        self.stopped: set[str] = set()
        """Tune's ids of the trials that it ended; a resumed study continues them."""

    def __getstate__(self) -> Json:
        """Nothing: Tune pickles it for a restore that Edgewise never uses."""
        return {"_record": None, "stopped": set()}

    def __call__(self, trial_id: str, result: dict[str, object]) -> bool:
        assert self._record is not None
        if result["done"] or not is_spent(self._record):
            return False
        self.stopped.add(trial_id)
        return True

    def stop_all(self) -> bool:
        return False
