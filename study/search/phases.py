"""The phases of a study in one run of Tune, so that the lanes stay warm between them."""

from collections.abc import Callable, Iterator

from ray.tune.search import Searcher

from study.ledger.json_records import Json
from study.ledger.record import StudyRecord
from study.search.planned_search import PlannedSearch, Result


class PhasedSearch(Searcher):
    """Hands out the trials of one searcher after the other's.

    A phase starts once every trial of the phase before it has ended: what it runs depends on them.
    """

    def __init__(self, record: StudyRecord, phases: Iterator[PlannedSearch]) -> None:
        """
        Args:
            record: the study's, which the trials' ends are folded into.
            phases: the searchers; each is requested when the one before it has ended.
        """
        super().__init__(metric=record.plan.objective, mode=record.plan.mode)
        self._record, self._phases = record, phases
        self._phase = next(phases, None)
        self._running: dict[str, PlannedSearch] = {}
        """The searcher of each running trial, by Tune's id."""
        self.may_start: Callable[[], bool] = lambda: True
        """Whether another trial may start now; False once the budget is spent."""

    def __getstate__(self) -> Json:
        """Nothing: Tune pickles its searcher for a restore that Edgewise never uses."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, object] | None:
        """The next trial; None while the next phase waits; ``Searcher.FINISHED`` at the end."""
        finished: dict[str, object] = Searcher.FINISHED
        while self._phase is not None and self.may_start():
            spec = self._phase.suggest(trial_id)
            if spec is None:
                return None  # its next trials wait for others that run
            if spec != finished:
                self._running[trial_id] = self._phase
                return spec
            if self._running or self._record.in_state("running"):
                return None
            self._phase = next(self._phases, None)
        return finished

    def on_trial_result(self, trial_id: str, result: Result) -> None:
        self._running[trial_id].on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: Result | None = None, error: bool = False
    ) -> None:
        self._running.pop(trial_id).on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the ledger has the state."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a resumed study makes its searcher from the ledger")
