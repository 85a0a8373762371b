"""Whose trained networks a study shows, and whose it still needs."""

from study.analysis.ranking import ranking
from study.analysis.results import StudyResults, results_of
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord

_SHOWN = 7
"""More networks side by side would be too many to compare."""


def shown(results: StudyResults) -> list[TrialRecord]:
    """The trials whose networks are shown: a search's winners, or the first complete seed of each
    cell, starting with the baseline."""
    first: dict[str, TrialRecord] = {}
    complete = [trial for trial in results.finalists if trial.state == "complete"]
    for trial in sorted(complete, key=lambda trial: trial.seed):
        first.setdefault(trial.cell or str(trial.number), trial)
    chosen = list(first.values())
    if results.record.plan.design.cells:
        baseline = results.record.plan.grid.baseline
        chosen.sort(key=lambda trial: trial.cell != baseline)
    return chosen[:_SHOWN]


def inspected(results: StudyResults) -> dict[str, list[TrialRecord]]:
    """The complete trials whose networks a report looks into, by name.

    They are the seeds of the baseline and of the best other cell by the objective; without a
    comparison, the winner of a search.
    """
    comparison = results.comparison
    if comparison is None:
        best = results.best
        found = [best] if best is not None and best.state == "complete" else []
        return {f"trial {trial.number}": [trial] for trial in found}
    table, sign = comparison.tables[0], 1 if comparison.tables[0].mode == "max" else -1
    means = {row.cell.name: row.mean for row in table.rows if row.cell.name != table.baseline}
    known = {name: sign * mean for name, mean in means.items() if mean is not None}
    names = [table.baseline, *([max(known, key=lambda name: known[name])] if known else [])]
    seeds = {
        name: [trial for trial in comparison.finalists if trial.cell == name] for name in names
    }
    return {name: trials for name, trials in seeds.items() if trials}


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
