"""Per-cell search: each cell of an ablation searches its weights before the cells are compared.

All searches have the same number of trials, on the validation list; the comparison runs on seeds
that played no part in the choice. Trial ``k`` of every cell comes before trial ``k + 1`` of any, so
that an interrupted study has spent the same on each. Trial 0 has the cell's initial weights, so a
search never chooses weights that are worse on the validation list than the paper's.
"""

from collections.abc import Sequence

from optuna import create_study
from optuna.study import Study, StudyDirection
from optuna.trial import TrialState, create_trial

from search_spaces import Cell
from study.analysis.ranking import champion
from study.ledger.events import Chosen, ChosenWeights
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import FINAL, InterruptedTrial, TrialRecord
from study.search.optuna_study import as_optuna, failure_state
from study.search.planned_search import PlannedSearch, Result
from study.search.reuse import DrawReuse
from study.search.samplers import SeededByNumber
from trainables.config import Value
from trainables.lane.trial_spec import TrialSpec


def total(plan: Plan) -> int:
    """How many trials all searches have together; their numbers come first."""
    return plan.design.search_trials * len(plan.design.cells)


def pending(plan: Plan, record: StudyRecord) -> bool:
    """Whether the cells' searches have not ended, so that no weights are chosen yet."""
    return bool(plan.design.search_trials) and not record.chosen


def trials_of(record: StudyRecord, cell: str) -> dict[int, TrialRecord]:
    """The trials of a cell's search, by number."""
    return {
        number: trial
        for number, trial in sorted(record.trials.items())
        if trial.phase == "search" and trial.cell == cell
    }


class CellSearch(PlannedSearch):
    """Draws each cell's next trial in turn: trial ``n`` belongs to cell ``n % len(cells)``."""

    def __init__(
        self,
        plan: Plan,
        record: StudyRecord,
        interrupted: Sequence[InterruptedTrial],
        reuse: DrawReuse | None = None,
    ) -> None:
        super().__init__(record, interrupted, range(total(plan)))
        self._plan, self._reuse = plan, reuse
        self._cells = plan.design.cells
        self._studies = [_study(plan, record, cell) for cell in self._cells]

    def continued(self, trial: InterruptedTrial) -> TrialSpec:
        return self._spec(trial.number, trial.params, trial.resume_from)

    def draw(self, number: int) -> TrialSpec | None:
        for reused in self._reuse.due(number) if self._reuse else ():
            self._tell(reused.number, reused.value(self._plan.objective))
        index = number % len(self._cells)
        params = self._cells[index].space().suggest(self._studies[index].ask())
        spec = self._spec(number, params)
        return None if self._reuse and self._reuse.take(spec) else spec

    def _spec(self, number: int, params: dict[str, Value], resume_from: str = "") -> TrialSpec:
        cell = self._cells[number % len(self._cells)]
        return TrialSpec(
            number=number,
            params=params,
            config=self._plan.resolve({**cell.changes, **params}),
            resume_from=resume_from,
            cell=cell.name,
            phase="search",
        )

    def learn(self, number: int, result: Result) -> None:
        value, kind = result.get(self._plan.objective), result.get("failure/kind")
        objective = value if isinstance(value, int | float) else None
        self._tell(number, objective, failure_state(None if kind is None else str(kind)))

    def _tell(self, number: int, value: float | None, failed: TrialState = TrialState.FAIL) -> None:
        turn, index = divmod(number, len(self._cells))
        state = failed if value is None else TrialState.COMPLETE
        self._studies[index].tell(turn, value, state=state)


def _study(plan: Plan, record: StudyRecord, cell: Cell) -> Study:
    """A cell's search as an Optuna study, whose trial ``k`` is the k-th of the cell.

    An interrupted attempt may have started a trial before one of a lower number; the missing one is
    added as waiting, so that Optuna draws it next.
    """
    known = {
        number // len(plan.design.cells): trial
        for number, trial in trials_of(record, cell.name).items()
    }
    sampler = SeededByNumber(plan.design.sampler, plan.seed, plan.design.search_trials)
    direction = StudyDirection.MAXIMIZE if plan.mode == "max" else StudyDirection.MINIMIZE
    study = create_study(direction=direction, sampler=sampler)
    config = plan.resolve(cell.changes)
    initial = {dimension.path: config[dimension.path] for dimension in cell.searched}
    # A paper's weight may lie outside the searched bounds; Optuna would draw another value.
    if 0 not in known and all(d.holds(initial[d.path]) for d in cell.searched):
        study.enqueue_trial(initial)
    for turn in range(len(study.trials), max(known, default=-1) + 1):
        study.add_trial(
            as_optuna(known[turn], cell.space(), [plan.objective])
            if turn in known
            else create_trial(state=TrialState.WAITING)
        )
    return study


def choose_weights(plan: Plan, ledger: Ledger) -> bool:
    """Write each cell's best weights to the ledger; False while the searches have not ended."""
    record = ledger.record
    searched = [trial for trial in record.in_state(*FINAL) if trial.phase == "search"]
    if len(searched) < total(plan):
        return False
    ledger.append(Chosen(cells={cell.name: _best(record, cell) for cell in plan.design.cells}))
    return True


def _best(record: StudyRecord, cell: Cell) -> ChosenWeights:
    """The best weights of a cell's search.

    A cell without a complete trial keeps its initial weights: it runs, and its failures count,
    as those of any other cell do.
    """
    best = champion(StudyRecord(planned=record.planned, trials=trials_of(record, cell.name)))
    if best is None or best.state != "complete":
        return ChosenWeights(trial=None, changes=dict(cell.changes))
    return ChosenWeights(trial=best.number, changes={**cell.changes, **best.params})
