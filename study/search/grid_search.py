"""Tune's searcher for an ablation: the planned runs, in order, each once."""

from collections.abc import Sequence

from study.ledger.record import StudyRecord
from study.ledger.trial_record import InterruptedTrial
from study.search.beginnings import Beginnings
from study.search.planned_search import PlannedSearch
from trainables.lane.trial_spec import TrialSpec


class GridSearch(PlannedSearch):
    """Hands out runs that are all known beforehand; a run that begins from another one's checkpoint
    waits for it, while later ones that need not wait come first."""

    def __init__(
        self,
        record: StudyRecord,
        beginnings: Beginnings,
        interrupted: Sequence[InterruptedTrial],
    ) -> None:
        self._beginnings = beginnings
        super().__init__(record, interrupted, beginnings.numbers)

    def next_number(self) -> int | None:
        ready = (number for number in self._left if not self._beginnings.waits(number))
        found = next(ready, None)
        # If nothing runs, nothing would end the wait.
        return self._left[0] if found is None and not self._numbers else found

    def continued(self, trial: InterruptedTrial) -> TrialSpec | None:
        return self._beginnings.continued(trial)

    def draw(self, number: int) -> TrialSpec | None:
        return self._beginnings.begin(number)
