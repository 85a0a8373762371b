"""How far a verdict goes: the orders that still move, and what longer trainings showed."""

from collections.abc import Iterator, Mapping

from study.analysis import horizon
from study.analysis.horizon import Longer, Moving
from study.analysis.results import AblationResults
from study.ledger.errors import LedgerError
from study.ledger.lines import first_line
from study.ledger.study_folder import StudyFolder, studies
from study.reporting.document import Prose
from study.reporting.values import metric_value


def lines(results: AblationResults) -> list[str]:
    """What a comparison's own ledger says."""
    found, longer = horizon.moving(results), horizon.longer(results)
    plan = results.record.plan
    return [
        *([of_curves(found, plan.objective)] if found else []),
        *([of_longer(longer, plan.objective, plan.mode)] if longer else []),
    ]


def blocks(results: AblationResults, folder: StudyFolder) -> list[Prose]:
    """The same, and what the studies of the storage that ran its leaders longer found."""
    plan = results.record.plan
    later = [of_longer(found, plan.objective, plan.mode) for found in _longer(folder)]
    return [Prose(line) for line in [*lines(results), *later]]


def of_curves(found: Moving, objective: str) -> str:
    """One sentence or two."""
    text = (
        f"How far it goes: {found.short()}. By means over seeds of {objective} on validation, "
        f"{found.half} of {found.pairs} pairs of cells changed order in the last half of the "
        f"epochs and {found.third} in the last third; on single seeds {found.runs_half} and "
        f"{found.runs_third} of {found.runs}."
    )
    if found.decided:
        text += f" With the baseline, and in spite of their verdict: {', '.join(found.decided)}."
    return text


def of_longer(found: Longer, objective: str, mode: str) -> str:
    """Whether the order held; one seed is no verdict."""
    held = "held" if found.held(mode) else "changed"
    return (
        f"At {found.epochs} epochs the order {held} (study {found.study}): "
        f"{_ordered(found.after, objective, mode)}; before, on the same seed, "
        f"{_ordered(found.before, objective, mode)}. One seed shows a direction, and is no verdict."
    )


def _ordered(figures: Mapping[str, float], metric: str, mode: str) -> str:
    names = horizon.order(figures, mode)
    return " > ".join(f"{name} {metric_value(metric, figures[name])}" for name in names)


def _longer(folder: StudyFolder) -> Iterator[Longer]:
    """Of the studies of the same storage that ran this one's leaders longer, by name."""
    for other in studies(folder.storage):
        try:
            if horizon.source_of(folder.name) not in first_line(other.ledger):
                continue  # most ledgers need not be read
            record = other.load()
        except (LedgerError, FileNotFoundError):
            continue  # interrupted in its first line, damaged, or private: it says nothing
        if horizon.origin(record.plan) == folder.name:
            found = horizon.longer(AblationResults(record))
            yield from [found] if found else []
