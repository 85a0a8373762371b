"""The base class of Edgewise's searchers: their interface to Tune."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from ray.tune.search import Searcher

from study.ledger.record import StudyRecord
from study.ledger.trial_record import InterruptedTrial
from trainables.lane.trial_spec import TrialSpec

Result = dict[str, object]
"""A trial's result as Tune passes it to a searcher."""


class PlannedSearch(Searcher):
    """Hands out a plan's trials: interrupted ones first, then the others in order.

    Tune can save and restore a searcher's state. The ledger already has all of it, so a resumed
    study makes a new searcher instead.
    """

    def __init__(
        self,
        record: StudyRecord,
        interrupted: Sequence[InterruptedTrial],
        numbers: Iterable[int],
    ) -> None:
        """``numbers`` are those of all trials that this searcher plans."""
        super().__init__(metric=record.plan.objective, mode=record.plan.mode)
        self._record = record
        self._interrupted = deque(interrupted)
        self._left = deque(number for number in numbers if number not in record.trials)
        self._numbers: dict[str, int] = {}
        """The number of each running trial, by Tune's id."""
        self.may_start: Callable[[], bool] = lambda: True
        """Whether another trial may start now; False once the budget is spent."""

    @abstractmethod
    def continued(self, trial: InterruptedTrial) -> TrialSpec | None:
        """How to continue an interrupted trial; None if it has failed instead."""

    @abstractmethod
    def draw(self, number: int) -> TrialSpec | None:
        """The trial of this number; None if the ledger has its end already: it is reused."""

    def next_number(self) -> int | None:
        """Which of the trials that are left comes next; None if it has to wait."""
        return self._left[0]

    def suggest(self, trial_id: str) -> dict[str, object] | None:
        """The next trial as Tune's config, or ``Searcher.FINISHED``; None while all that are left
        wait for trials that run."""
        spec: TrialSpec | None = None
        if self.may_start():
            while spec is None and self._interrupted:
                spec = self.continued(self._interrupted.popleft())
            while spec is None and self._left:
                if (number := self.next_number()) is None:
                    return None
                self._left.remove(number)
                spec = self.draw(number)
        if spec is None:
            finished: dict[str, object] = Searcher.FINISHED
            return finished
        self._numbers[trial_id] = spec.number
        return spec.to_tune()

    def on_trial_complete(
        self, trial_id: str, result: Result | None = None, error: bool = False
    ) -> None:
        number = self._numbers.pop(trial_id)
        self.learn(number, self._of_measured_epoch(number, result or {}))

    def _of_measured_epoch(self, number: int, result: Result) -> Result:
        """The result with the objectives of the epoch that the trial is measured by.

        With ``eval/checkpoint=best`` that may not be the last. The ledger has all epochs by now,
        and a resumed study learns from them.
        """
        trial = self._record.trials.get(number)
        if trial is None or trial.best_by is None or not result or "failure/kind" in result:
            return result
        return {**result, **{name: trial.value(name) for name in self._record.plan.objectives}}

    def learn(self, number: int, result: Result) -> None:
        """Learn from the result of a trial that ended; by default, nothing is learned."""

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the ledger has the state."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a resumed study makes its searcher from the ledger")
