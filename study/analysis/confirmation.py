"""The confirmation of a search: its winner against the plain base, on seeds that chose nothing.

The seed that chose a winner favours it. So the winner's parameters run again on other seeds, beside
the same config without the searched losses, and the two are compared as cells of an ablation.
"""

from dataclasses import replace

from search_spaces import Cell, Grid
from search_spaces.setup import of_earlier_study
from study.analysis.planned_looks import planned_seeds
from study.analysis.ranking import champion
from study.ledger.design import NOT_SEARCHED, WINNER, Ablation
from study.ledger.event_values import ChosenWeights
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import FINAL, TrialRecord
from trainables.config import Value

OF_LOSSES = ("loss/", "inverse_net/", "edge_net/")
"""Prefixes of the fields of losses and of the networks inside them."""


def winner_of(record: StudyRecord) -> TrialRecord | None:
    """The best complete trial of a search; None if there is none."""
    best = champion(record)
    return best if best is not None and best.state == "complete" else None


def search_ended(record: StudyRecord) -> bool:
    """Whether every trial of the search itself has ended."""
    return len(record.searched().in_state(*FINAL)) >= record.plan.search.trials


def planned_trials(record: StudyRecord, plan: Plan) -> int:
    """How many trials the study still plans: a search without a winner has nothing to confirm."""
    design = plan.design
    if isinstance(design, Ablation):
        searched = design.search_trials * len(design.cells)
        return searched + sum(planned_seeds(plan, record).values())
    if not design.confirm or record.planned is None:
        return plan.trials
    lost = search_ended(record) and winner_of(record) is None
    return design.trials if lost else plan.trials


def cell_changes(best: TrialRecord) -> dict[str, dict[str, Value]]:
    """The changes of both cells: only the losses, and the networks inside them, differ."""
    others = {path: value for path, value in best.params.items() if not path.startswith(OF_LOSSES)}
    return {NOT_SEARCHED: others, WINNER: dict(best.params)}


def chosen_cells(best: TrialRecord) -> dict[str, ChosenWeights]:
    """Both cells as the ledger records them once the search has chosen its winner."""
    return {
        cell: ChosenWeights(trial=best.number if cell == WINNER else None, changes=changes)
        for cell, changes in cell_changes(best).items()
    }


def winner_grid(record: StudyRecord, best: TrialRecord) -> Grid:
    """The comparison of a search's winner with its base, beside the search's own figures."""
    study, objective = record.plan.study, record.plan.objective
    value = best.value(objective)
    assert value is not None, "a ranked trial has the objective"
    reported = {f"search {study}, val": {objective: value}}
    tested = (best.tested or {}).get(f"test_{objective}")
    if tested is not None:
        reported[f"search {study}, test"] = {objective: tested}
    changes = cell_changes(best)
    return Grid(
        name="winner",
        question=f"Is the winner of {study} better than its base on seeds not used in the search?",
        source=f"trial {best.number} of the search {study}, seed {best.config['seed']}",
        baseline=NOT_SEARCHED,
        cells=(
            Cell(name=NOT_SEARCHED, changes=changes[NOT_SEARCHED]),
            Cell(name=WINNER, changes=changes[WINNER], published=reported),
        ),
        setups=tuple(map(of_earlier_study, reported)),
    )


def confirmation_of(record: StudyRecord) -> StudyRecord | None:
    """The confirmation as an ablation of its own; None before the search has chosen its winner.

    It has the confirming trials alone, under their numbers in the study.
    """
    if record.planned is None:
        return None
    design = record.plan.design
    if isinstance(design, Ablation) or not design.confirm or WINNER not in record.chosen:
        return None
    number = record.chosen[WINNER].trial
    assert number is not None, "a winner is a trial"
    grid = winner_grid(record, record.trials[number])
    # The search's own figures stand beside it in every view of the study.
    grid = replace(grid, cells=tuple(replace(cell, published={}) for cell in grid.cells))
    plan = replace(record.plan, design=Ablation(grid=grid, seeds=design.confirm))
    trials = {
        number: replace(trial, phase="")
        for number, trial in record.trials.items()
        if trial.phase == "confirm"
    }
    return replace(record, planned=replace(record.planned, plan=plan), trials=trials, chosen={})
