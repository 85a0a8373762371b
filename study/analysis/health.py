"""Health of a study: what in its results is more likely a mistake of its set-up than an answer.

Each check says nothing, or what it saw, with its figures, and what to do. All of it is pure, and
fed by the ledger.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

from study.analysis import fold_protocol, segfix_quality
from study.analysis.answer import signed
from study.analysis.bounds import at_a_bound
from study.analysis.equal_outcomes import equal_outcomes
from study.analysis.finding import Finding, figure
from study.analysis.outliers import outlying
from study.analysis.results import AblationResults, SearchResults
from study.analysis.sign_flips import differences
from study.analysis.tables import Table
from study.analysis.units import difference_unit
from study.analysis.unreached import other_values, unreached
from study.ledger.record import StudyRecord
from study.ledger.trial_record import FINAL, TrialRecord
from trainables.config.words import counted

LEAST_SHARE = 0.02
"""Of the objective's variance; a parameter below it is without visible effect."""
_FEWEST_TRIALS = 5
"""Of a search, before its first point may be called its best."""


def findings(
    results: SearchResults | AblationResults, importance: Mapping[str, float]
) -> list[Finding]:
    """Everything that is doubtful about a study's results, the gravest first.

    Args:
        results: of the study.
        importance: by searched parameter, its share of the objective's variance.
    """
    record = results.record
    checks = (
        all_diverged(record),
        unreached(record),
        other_values(record),
        equal_outcomes(results),
        outlying(record) if isinstance(results, AblationResults) else [],
        at_a_bound(record),
        without_effect(record, importance),
        first_is_best(record),
        all_noise(results),
        segfix_quality.poor(record),
    )
    return list(chain.from_iterable(checks))


def all_diverged(record: StudyRecord) -> list[Finding]:
    """Cells, or a search, of which every trial that ended has diverged."""
    by_cell: dict[str, list[TrialRecord]] = {}
    for trial in record.in_state(*FINAL):
        by_cell.setdefault(trial.cell, []).append(trial)
    return [
        Finding(
            f"all {len(trials)} trials{f' of {cell}' if cell else ''} diverged",
            "lower optim/lr or the weights of its losses, or set optim/clip_norm",
        )
        for cell, trials in by_cell.items()
        if len(trials) > 1 and all(_diverged(trial) for trial in trials)
    ]


def _diverged(trial: TrialRecord) -> bool:
    return trial.failure is not None and trial.failure.kind == "diverged"


def without_effect(record: StudyRecord, importance: Mapping[str, float]) -> list[Finding]:
    """Searched parameters that explain next to nothing of the objective's variance."""
    found = {path: share for path, share in importance.items() if share < LEAST_SHARE}
    if not found or len(importance) < 2:
        return []
    named = ", ".join(f"{path} {share:.1%}" for path, share in found.items())
    trials = counted(len(record.searched().in_state("complete")), "trial")
    return [
        Finding(
            f"without visible effect, by its share of {record.plan.objective}'s variance over "
            f"{trials}: {named}",
            "fix it with --set and search fewer parameters, or look whether its loss is on",
        )
    ]


def first_is_best(record: StudyRecord) -> list[Finding]:
    """Searches whose first point no later trial has reached."""
    cells = ["", *(cell.name for cell in record.plan.design.cells if cell.searched)]
    return [found for cell in cells for found in _first_is_best(record, cell)]


def _first_is_best(record: StudyRecord, cell: str) -> list[Finding]:
    objective, mode = record.plan.objective, record.plan.mode
    if len(record.plan.objectives) > 1:
        return []
    phase = "search" if cell else ""
    values = [
        (trial.number, value)
        for trial in record.searched().in_state("complete")
        if (trial.cell, trial.phase) == (cell, phase)
        and (value := trial.value(objective)) is not None
    ]
    sign = 1 if mode == "max" else -1
    later = [sign * value for _, value in sorted(values)[1:]]
    if len(values) < _FEWEST_TRIALS or max(later) >= sign * min(values)[1]:
        return []
    first, best = figure(objective, min(values)[1]), figure(objective, sign * max(later))
    return [
        Finding(
            f"the search{f' of {cell}' if cell else ''} found nothing better than its first point: "
            f"{objective} {first}, the best of {counted(len(later), 'later trial')} {best}",
            "run more trials, or narrow the ranges around the first point",
        )
    ]


def all_noise(results: SearchResults | AblationResults) -> list[Finding]:
    """Whether every difference from the baseline is smaller than its own spread over seeds."""
    comparison = results.comparison
    if comparison is None:
        return []
    table = comparison.tables[0]
    decided = {"better", "worse"} & set(comparison.verdicts.values())
    measured = {name: _effect(values) for name, values in _differences(table).items()}
    effects = {name: effect for name, effect in measured.items() if effect[1] > 0}
    if decided or not effects or any(abs(mean) >= spread for mean, spread in effects.values()):
        return []
    name = max(effects, key=lambda cell: abs(effects[cell][0]))
    mean, spread = effects[name]
    over = fold_protocol.paired_by(results.record.plan, "s")
    return [
        Finding(
            f"noise is larger than any effect found: the largest mean difference in "
            f"{table.metric} ({difference_unit(table.unit)}), {name}'s "
            f"{signed(mean, table.metric)}, is less than the standard deviation of that "
            f"difference over {over}, {signed(spread, table.metric).lstrip('+')}",
            "more seeds, longer trainings or more test images; a larger weight shows a larger "
            "effect, if there is one",
        )
    ]


def _differences(table: Table) -> dict[str, list[float]]:
    """By cell, its differences from the baseline; of cells with two seeds or more."""
    values = {row.cell.name: row.values for row in table.rows}
    found = differences(values, {row.cell.name: row.baseline for row in table.rows})
    return {name: [*by_seed.values()] for name, by_seed in found.items() if len(by_seed) > 1}


def _effect(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the standard deviation."""
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return mean, (squares / (len(values) - 1)) ** 0.5
