"""What longer trainings left of the differences from the baseline: every horizon that ended."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from docs.results.archive import Archived
from docs.results.sections import decided, name_of_baseline
from study.analysis import horizon
from study.analysis.answer import signed
from study.analysis.results import AblationResults
from study.reporting.document import Block, Prose, Section, Sheet
from study.reporting.values import with_unit
from trainables.config.words import counted


class Longer(NamedTuple):
    """A horizon: differences from the baseline at both lengths."""

    words: str
    sheet: Sheet


def section(found: Sequence[Archived], metric: str) -> list[Section]:
    """All of them; nothing without one."""
    ran = longer(found, metric)
    blocks: list[Block] = [block for each in ran for block in (Prose(each.words), each.sheet)]
    return [Section("Does it hold for longer trainings?", blocks)] if blocks else []


def longer(found: Sequence[Archived], metric: str) -> list[Longer]:
    """Every horizon that ended, in the order in which they ran."""
    return [ran for study in found for ran in _of_study(study, metric)]


def last(found: Sequence[Archived], metric: str) -> list[Longer]:
    """The last horizon of each dataset."""
    horizons = [study for study in found if horizon.origin(study.record.plan)]
    return longer(list({study.dataset: study for study in horizons}.values()), metric)


def _of_study(study: Archived, metric: str) -> list[Longer]:
    results = AblationResults(study.record)
    one, several = horizon.longer(results), horizon.longer_on_seeds(results)
    return [
        *([_of_one_seed(study, one, metric)] if one else []),
        *([_of_seeds(study, several, metric)] if several else []),
    ]


def _of_one_seed(study: Archived, ran: horizon.Longer, metric: str) -> Longer:
    baseline = name_of_baseline(study)
    before, after = (_from_baseline(of, baseline) for of in (ran.before, ran.after))
    became = [_became(cell, before[cell], signed(after[cell], metric), metric) for cell in after]
    rows = [
        [f"`{cell}`", signed(before[cell], metric), signed(after[cell], metric)] for cell in after
    ]
    means = [with_unit(metric, of[baseline], "") for of in (ran.before, ran.after)]
    return _longer(study, became, "one seed, no verdict", [[f"`{baseline}`", *means], *rows])


def _of_seeds(study: Archived, ran: horizon.LongerOnSeeds, metric: str) -> Longer:
    baseline, cells = name_of_baseline(study), ran.cells
    became = [
        _became(cell, of.before, f"{signed(of.after, metric)} ({of.verdict})", metric)
        for cell, of in cells.items()
    ]
    rows = [
        [f"`{cell}`", signed(of.before, metric), decided(of.verdict, of.after, metric)]
        for cell, of in cells.items()
    ]
    means = [with_unit(metric, value, "") for value in (ran.before, ran.after)]
    said = f"{counted(ran.seeds, 'seed')} that did not choose them"
    return _longer(study, became, said, [[f"`{baseline}`", *means], *rows])


def _became(cell: str, before: float, after: str, metric: str) -> str:
    return f"{cell} {signed(before, metric)} becomes {after}"


def _longer(study: Archived, became: list[str], seeds: str, rows: list[list[str]]) -> Longer:
    epochs = study.record.plan.epochs
    before = epochs // horizon.TIMES
    words = (
        f"Trained for {epochs} epochs instead of {before} on {study.dataset}: {', '.join(became)} "
        f"({seeds})."
    )
    return Longer(words, Sheet(["loss", f"{before} epochs", f"{epochs} epochs"], rows))


def _from_baseline(figures: Mapping[str, float], baseline: str) -> dict[str, float]:
    return {cell: value - figures[baseline] for cell, value in figures.items() if cell != baseline}
