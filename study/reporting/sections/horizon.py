"""How far a verdict goes: the orders that still move, and what longer trainings showed."""

from collections.abc import Iterator, Mapping

from study.analysis import horizon
from study.analysis.answer import signed
from study.analysis.horizon import Longer, LongerOnSeeds, Moving
from study.analysis.results import AblationResults
from study.ledger.errors import LedgerError
from study.ledger.lines import first_line
from study.ledger.study_folder import StudyFolder, studies
from study.reporting.document import Prose
from study.reporting.values import metric_value
from trainables.config.words import counted


def lines(results: AblationResults) -> list[str]:
    """What a comparison's own ledger says."""
    found = horizon.moving(results)
    return [
        *([of_curves(found, results.record.plan.objective)] if found else []),
        *_of_longer_study(results),
    ]


def blocks(results: AblationResults, folder: StudyFolder) -> list[Prose]:
    """The same, and what the studies of the storage that ran its leaders longer found."""
    later = [line for other in _later(folder) for line in _of_longer_study(other)]
    return [Prose(line) for line in [*lines(results), *later]]


def _of_longer_study(results: AblationResults) -> list[str]:
    """What a study of an earlier one's leaders found; nothing of any other study."""
    plan = results.record.plan
    longer, on_seeds = horizon.longer(results), horizon.longer_on_seeds(results)
    return [
        *([of_longer(longer, plan.objective, plan.mode)] if longer else []),
        *([of_seeds(on_seeds, plan.objective)] if on_seeds else []),
    ]


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


def of_seeds(found: LongerOnSeeds, objective: str) -> str:
    """What the longer trainings left of each difference, and the verdict on it."""
    became = ", ".join(
        f"{cell} {signed(of.before, objective)} became {signed(of.after, objective)} ({of.verdict})"
        for cell, of in found.cells.items()
    )
    return (
        f"At {found.epochs} epochs, on {counted(found.seeds, 'other seed')} (study {found.study}), "
        f"{objective} less the baseline's: {became}."
    )


def _ordered(figures: Mapping[str, float], metric: str, mode: str) -> str:
    names = horizon.order(figures, mode)
    return " > ".join(f"{name} {metric_value(metric, figures[name])}" for name in names)


def _later(folder: StudyFolder) -> Iterator[AblationResults]:
    """The studies of the same storage that ran this one's leaders longer, by name."""
    for other in studies(folder.storage):
        try:
            if horizon.source_of(folder.name) not in first_line(other.ledger):
                continue  # most ledgers need not be read
            record = other.load()
        except (LedgerError, FileNotFoundError):
            continue  # interrupted in its first line, damaged, or private: it says nothing
        if horizon.origin(record.plan) == folder.name:
            yield AblationResults(record)
