"""Tune's searcher for an ablation: the planned runs, in order, each once."""

from collections.abc import Sequence
from dataclasses import replace

from study.ledger.record import StudyRecord
from study.ledger.trial_record import InterruptedTrial
from study.search.planned_search import PlannedSearch
from trainables.lane.trial_spec import TrialSpec


class GridSearch(PlannedSearch):
    """Hands out runs that are all known beforehand; no run depends on the result of another."""

    def __init__(
        self,
        record: StudyRecord,
        runs: Sequence[TrialSpec],
        interrupted: Sequence[InterruptedTrial],
    ) -> None:
        self._runs = {run.number: run for run in runs}
        super().__init__(record, interrupted, self._runs)

    def continued(self, trial: InterruptedTrial) -> TrialSpec:
        return replace(self._runs[trial.number], resume_from=trial.resume_from)

    def draw(self, number: int) -> TrialSpec:
        return self._runs[number]
