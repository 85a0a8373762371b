"""A grid whose cells are searched first: one search a cell, of the same number of trials for all,
on the validation list; then the cells at what was found are compared, on seeds that chose nothing.

Trial ``k`` of every cell comes before trial ``k + 1`` of any, so that a study that is cut off has
spent the same on each. Trial 0 has the weights that the cell begins with: a search never ends
below its paper's weights on the list that it is chosen by.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optuna import create_study
from optuna.study import Study, StudyDirection
from optuna.trial import TrialState, create_trial
from ray.tune.search import Searcher

from search_spaces import Cell, grid
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import FINAL, InterruptedTrial, StudyRecord, TrialRecord, Value
from study.search.optuna_study import as_optuna, failure_state
from study.search.reuse import DrawReuse
from study.search.samplers import SeededByNumber
from trainables.config import flatten


def cells_of(plan: Plan) -> list[Cell]:
    """Those that can be run; trial ``n`` of the searches belongs to cell ``n % len(cells)``."""
    assert plan.grid is not None
    return [cell for cell in plan.grid.cells if not cell.needs]


def total(plan: Plan) -> int:
    """Trials of all searches together; their numbers are the first."""
    return plan.search_trials * len(cells_of(plan)) if plan.search_trials else 0


def pending(plan: Plan, record: StudyRecord) -> bool:
    """Whether the cells' weights are still to be chosen."""
    return bool(plan.search_trials) and not record.chosen


def trials_of(record: StudyRecord, cell: str) -> dict[int, TrialRecord]:
    """A cell's search, by number."""
    return {
        number: trial
        for number, trial in sorted(record.trials.items())
        if trial.phase == "search" and trial.cell == cell
    }


class CellSearch(Searcher):
    """Tune's searcher for the first part: what was cut off, then each cell's next trial in turn."""

    def __init__(
        self,
        plan: Plan,
        record: StudyRecord,
        waiting: Sequence[InterruptedTrial],
        taking: DrawReuse | None = None,
    ) -> None:
        super().__init__(metric=plan.objective, mode=plan.mode)
        self._taking = taking
        self._plan, self._cells = plan, cells_of(plan)
        self._studies = [_study(plan, record, cell) for cell in self._cells]
        self._waiting = deque(waiting)
        self._left = deque(n for n in range(total(plan)) if n not in record.trials)
        self._numbers: dict[str, int] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if self._waiting:
            cut_off = self._waiting.popleft()
            self._numbers[trial_id] = cut_off.number
            return self._config(cut_off.number, cut_off.params, cut_off.resume_from)
        while self._left:
            number = self._left.popleft()
            config = self._draw(number)
            if not (self._taking and self._taking.take(config)):
                self._numbers[trial_id] = number
                return config
        return Searcher.FINISHED

    def _draw(self, number: int) -> dict[str, Any]:
        """The next trial of a cell's search, from all that is known of the cell so far."""
        for taken in self._taking.due(number) if self._taking else ():
            self._tell(taken.number, taken.value(self._plan.objective))
        place = number % len(self._cells)
        drawn = self._cells[place].space().suggest(self._studies[place].ask())
        return self._config(number, drawn, "")

    def _config(self, number: int, params: dict[str, Value], resume_from: str) -> dict[str, Any]:
        cell, seed = self._cells[number % len(self._cells)], self._plan.base.seed
        config = self._plan.resolve({**cell.changes, **params})
        return {
            "number": number,
            "params": params,
            "config": config,
            "cell": cell.name,
            "seed": seed,
            "phase": "search",
            "resume_from": resume_from,
        }

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        result = result or {}
        value, kind = result.get(self.metric), result.get("failure/kind")
        self._tell(self._numbers.pop(trial_id), value, failure_state(kind))

    def _tell(self, number: int, value: float | None, failed: TrialState = TrialState.FAIL) -> None:
        turn, place = divmod(number, len(self._cells))
        state = failed if value is None else TrialState.COMPLETE
        self._studies[place].tell(turn, value, state=state)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("searches are rebuilt from the ledger")


def _study(plan: Plan, record: StudyRecord, cell: Cell) -> Study:
    """A cell's search as Optuna knows it; trial 0 has the weights that the cell begins with.

    A trial's number there is its turn, whatever order an attempt that was cut off began them in.
    """
    known = {
        number // len(cells_of(plan)): trial
        for number, trial in trials_of(record, cell.name).items()
    }
    sampler = SeededByNumber(plan.sampler, plan.seed, plan.search_trials)
    direction = StudyDirection.MAXIMIZE if plan.mode == "max" else StudyDirection.MINIMIZE
    study = create_study(direction=direction, sampler=sampler)
    config = flatten(plan.base.changed(cell.changes))
    begin = {dimension.path: config[dimension.path] for dimension in cell.searched}
    if 0 not in known and all(d.holds(begin[d.path]) for d in cell.searched):
        study.enqueue_trial(begin)
    for turn in range(len(study.trials), max(known, default=-1) + 1):
        study.add_trial(
            as_optuna(known[turn], cell.space(), [plan.objective])
            if turn in known
            else create_trial(state=TrialState.WAITING)
        )
    return study


def choose_weights(plan: Plan, ledger: Ledger) -> bool:
    """Write each cell's best to the ledger once all searches have ended; whether they have."""
    record = ledger.record
    searched = [trial for trial in record.in_state(*FINAL) if trial.phase == "search"]
    if len(searched) < total(plan):
        return False
    ledger.append("chosen", cells={cell.name: _best(record, cell) for cell in cells_of(plan)})
    return True


def plan_with_chosen(plan: Plan, record: StudyRecord) -> Plan:
    """The plan with each cell at what its search found."""
    return replace(plan, grid=grid.grid_from_event(record.plan["grid"]))


def _best(record: StudyRecord, cell: Cell) -> dict[str, Any]:
    """A cell of which no trial ran all epochs keeps the weights that it began with: it is run and
    its failures are counted, like any other's."""
    known = StudyRecord(plan={**record.plan}, trials=trials_of(record, cell.name))
    known.plan.pop("grid")
    best = known.best()
    if best is None or best.state != "complete":
        return {"trial": None, "changes": dict(cell.changes)}
    return {"trial": best.number, "changes": {**cell.changes, **best.params}}
