"""Trials that differ in their configs and not in a single bit of their outcome: what differs did
nothing."""

from collections.abc import Iterable

from study.analysis.finding import Finding
from study.analysis.results import AblationResults, SearchResults
from study.analysis.tables import outcome
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.words import counted

_LEAST = 3
"""Figures without which an outcome says too little."""


def equal_outcomes(results: SearchResults | AblationResults) -> list[Finding]:
    """Cells that equal the baseline, and searched trials that equal each other."""
    found = []
    if isinstance(results, AblationResults) and results.unchanged:
        found.append(
            Finding(
                f"equal to the baseline in every metric on every seed, so their change made no "
                f"difference yet: {', '.join(results.unchanged)}",
                "train longer, or look whether the change reaches the training",
            )
        )
    searched = results.record.searched().in_state("complete")
    groups: dict[tuple[object, ...], list[TrialRecord]] = {}
    for trial in searched if isinstance(results, SearchResults) else ():
        groups.setdefault(outcome(trial), []).append(trial)
    equal = [trials for figures, trials in groups.items() if _says_something(figures)]
    return found + [finding for trials in equal for finding in _of_group(trials)]


def _says_something(figures: tuple[object, ...]) -> bool:
    return sum(figure is not None for figure in figures) >= _LEAST


def _of_group(trials: list[TrialRecord]) -> list[Finding]:
    """What differs among trials of one outcome; none if their configs are the same, too."""
    paths = dict.fromkeys(path for trial in trials for path in trial.params)
    differ = [path for path in paths if len(_values(trials, path)) > 1]
    if len({trial.id for trial in trials}) == 1 or not differ:
        return []
    named = ", ".join(str(trial.number) for trial in trials[:10])
    return [
        Finding(
            f"{counted(len(trials), 'trial')} ({named}{', ..' if len(trials) > 10 else ''}) that "
            f"differ in {', '.join(differ)} are equal to the last bit in every metric",
            "these parameters did nothing: look whether their losses are on and use them",
        )
    ]


def _values(trials: Iterable[TrialRecord], path: str) -> set[Value | None]:
    return {trial.params.get(path) for trial in trials}
