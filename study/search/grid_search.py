"""Tune's searcher for a grid: hands out what is planned, in order, each run once."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from ray.tune.search import Searcher

from study.ledger.record import InterruptedTrial, StudyRecord
from study.planning.runs import Run


class GridSearch(Searcher):
    """First the runs that were cut off, then those that were never begun; no other twice."""

    def __init__(
        self, record: StudyRecord, runs: Sequence[Run], waiting: Sequence[InterruptedTrial]
    ) -> None:
        super().__init__(metric=record.plan["objective"], mode=record.plan["mode"])
        by_number = {run.number: run for run in runs}
        cut_off = [(by_number[trial.number], trial.resume_from) for trial in waiting]
        fresh = [(run, "") for run in runs if run.number not in record.trials]
        self._left = deque([*cut_off, *fresh])

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if not self._left:
            return None
        run, resume_from = self._left.popleft()
        return {**run._asdict(), "resume_from": resume_from}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: what comes next does not depend on what came out."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a grid is planned from the ledger")
