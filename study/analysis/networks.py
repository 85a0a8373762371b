"""Whose trained networks a study shows, and whose it still needs."""

from collections.abc import Collection

from study.analysis.ranking import ranking
from study.analysis.results import StudyResults, results_of
from study.analysis.tables import Table
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord

_SHOWN = 7
"""More networks side by side would be too many to compare."""


def shown(results: StudyResults) -> list[TrialRecord]:
    """The trials whose networks are shown: a search's winners, or the first complete seed of each
    cell, starting with the baseline; over folds, of the first fold: only its trials have the same
    test images."""
    first: dict[str, TrialRecord] = {}
    complete = [t for t in results.finalists if t.state == "complete" and t.fold <= 1]
    for trial in sorted(complete, key=lambda trial: trial.seed):
        first.setdefault(trial.cell or str(trial.number), trial)
    chosen = list(first.values())
    if results.record.plan.design.cells:
        grid = results.record.plan.grid
        chosen.sort(key=lambda trial: trial.cell != grid.baseline)
    return chosen[:_SHOWN]


def inspected(results: StudyResults) -> dict[str, list[TrialRecord]]:
    """The complete trials whose networks a report looks into, by name.

    They are the seeds of the best cell that is no baseline, by the objective's gain, and of its
    baseline; without a comparison, the winner of a search.
    """
    comparison = results.comparison
    if comparison is None:
        best = results.best
        found = [best] if best is not None and best.state == "complete" else []
        return {f"trial {trial.number}": [trial] for trial in found}
    names = best_pair(comparison.tables[0])
    seeds = {
        name: [trial for trial in comparison.finalists if trial.cell == name] for name in names
    }
    return {name: trials for name, trials in seeds.items() if trials}


def best_pair(table: Table, among: Collection[str] | None = None) -> list[str]:
    """A baseline, and the cell that has gained most over its own baseline; or the table's baseline
    alone, where no other cell has a seed in common with its own.

    Args:
        among: the cells to choose from; None for all.
    """
    gains = {
        row.cell.name: gain
        for row in table.rows
        if (gain := table.gain(row)) is not None
        and (among is None or {row.cell.name, row.baseline} <= set(among))
    }
    if not gains:
        return [table.baseline]
    best = max(gains, key=lambda name: gains[name])
    return [table.row(best).baseline, best]


def needed(record: StudyRecord) -> set[int]:
    """The numbers of the ended trials whose networks the study still needs.

    They are those to be measured on the test list, those that the gallery shows, the best of each
    cell, and the champion, which is saved as the model. A trial that is not needed will not be
    later: whatever took its place stays ahead of it.
    """
    results = results_of(record)
    best: dict[str, TrialRecord] = {}
    for trial in ranking(record.compared()):
        best.setdefault(trial.cell, trial)
    untested = [trial for trial in results.finalists if trial.tested is None]
    champion = [results.champion] if results.champion else []
    trials = [*untested, *shown(results), *best.values(), *champion]
    return {trial.number for trial in trials}


def others_due(record: StudyRecord) -> set[int]:
    """The numbers of the ended trials whose other network is still to be tested
    (``eval/both_checkpoints``). A trial that has left the finalists will not come back."""
    return {
        trial.number
        for trial in results_of(record).finalists
        if trial.other_epoch and (trial.other is None or trial.other.untested)
    }
