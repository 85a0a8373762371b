"""The answer of a study in one sentence: what is better than the baseline, by how much, how sure.

The sentence rests on the objective's table alone, whose test was fixed before the first trial.
"""

import math

from study.analysis import fold_protocol
from study.analysis.folds import FEWEST, fewest_folds
from study.analysis.horizon import moving
from study.analysis.ranking import no_result
from study.analysis.results import AblationResults, SearchResults
from study.analysis.statistics import fewest_seeds
from study.analysis.tables import Row, Table
from study.analysis.units import unit_in
from study.ledger.record import StudyRecord
from trainables.config.words import counted, zero_without_sign
from trainables.metrics.catalog import METRICS

_SHOWN = 4
"""Cells that are named for each verdict; the table has all."""


def answer(results: SearchResults | AblationResults) -> str:
    """The study's answer, one sentence or two."""
    record = results.record
    if why := no_result(record):
        return f"No answer: {why.removeprefix('no result: ')}."
    if (comparison := results.comparison) is not None:
        return _compared(comparison, isinstance(results, SearchResults)) + _horizon(comparison)
    if len(record.plan.objectives) > 1:
        size = counted(len(results.finalists), "trial")
        return f"Not tested: a Pareto set of {size}, each on one seed."
    best, metric = results.best, record.plan.objective
    if best is None:
        return "Not tested: nothing is compared."
    value = _number(metric, best.value(metric), unit_in(record, metric))
    done = "leads" if record.ended else "leads so far"
    return (
        f"Not tested: trial {best.number} {done} with {value} {metric} on one seed, "
        f"the one that chose it."
    )


def _horizon(results: AblationResults) -> str:
    """How far the verdict goes, where orders still move."""
    found = moving(results)
    if found is None or not found.third:
        return ""
    short = found.short()
    return f" {short[0].upper()}{short[1:]}."


def needs_confirmation(results: SearchResults | AblationResults) -> bool:
    """Whether an ended search names a winner that no other seed has tested."""
    best = results.best
    single = len(results.record.plan.objectives) == 1
    tested = results.comparison is not None
    return single and not tested and best is not None and best.state == "complete"


def _compared(results: AblationResults, of_search: bool) -> str:
    table = results.tables[0]
    rows = [
        row
        for row in table.rows
        if row.cell.name != row.baseline and not row.cell.needs and not row.lacks
    ]
    if not rows:
        return "Nothing is compared: only the baseline ran."
    rows.sort(key=lambda row: _gain(row, table), reverse=True)
    by_verdict = {
        verdict: [row for row in rows if results.verdicts[row.cell.name] == verdict]
        for verdict in ("better", "worse", "same", "undecided")
    }
    smallest = results.record.plan.smallest
    base = table.baseline if len(table.baselines) == 1 else "its own baseline"
    base = "the same training without the searched losses" if of_search else base
    for verdict in ("better", "worse", "same"):
        if found := by_verdict.pop(verdict):
            rest = ", ".join(f"{len(rows)} {word}" for word, rows in by_verdict.items() if rows)
            within = f" (within {_size(smallest, table)})" if verdict == "same" and smallest else ""
            return (
                f"{verdict.capitalize()}{within}: {_named(found, table)} against {base}, "
                f"{_seeds(found, results.record)}{f'; {rest}' if rest else ''}."
            )
    return _undecided(rows, table, results.record)


def _seeds(rows: list[Row], record: StudyRecord) -> str:
    """``9 seeds``; ``6 to 9 seeds`` where looks have decided the rows one after the other, or runs
    failed or have not taken place; ``5 folds x 2 seeds``."""
    counts = {row.comparison.n for row in rows if row.comparison and row.comparison.n} or {0}
    fewest = f"{min(counts)} to " if len(counts) > 1 else ""
    if not record.plan.design.folds:
        return f"{fewest}{counted(max(counts), 'seed')}"
    planned = fold_protocol.units(record.plan)
    complete = counts == {len(record.plan.design.units)}
    return planned if complete else f"{fewest}{max(counts)} pairs of {planned}"


def _size(smallest: float, table: Table) -> str:
    """``±0.20 miou``: the smallest effect that matters."""
    share = table.unit == "fraction"
    return f"±{100 * smallest:.2f} {table.metric}" if share else f"±{smallest:g} {table.unit}"


def _why(rows: list[Row], record: StudyRecord) -> str:
    """Why nothing is decided: too few seeds, a look that is still to come, or chance."""
    plan, seeds = record.plan, len(record.plan.design.seeds)
    if plan.design.folds:
        found = fewest_folds([row.values for row in rows], plan.design.folds)
        if found < FEWEST:
            return f"{counted(found, 'fold')} cannot decide, {FEWEST} can"
        return f"no difference beyond chance on {_seeds(rows, record)}"
    needed = fewest_seeds(len(rows), plan.correction)
    comparisons = "" if len(rows) == 1 else f" {len(rows)} comparisons"
    if seeds < needed:
        return f"{counted(seeds, 'seed')} cannot decide{comparisons}, {needed} can"
    open_cells = not record.looks or any(a.state == "open" for a in record.looks[-1].arms.values())
    if open_cells and len(record.looks) < len(plan.design.looks):
        return f"the next look comes after {plan.design.looks[len(record.looks)]} seeds"
    return f"no difference beyond chance on {_seeds(rows, record)}"


def _undecided(rows: list[Row], table: Table, record: StudyRecord) -> str:
    why, first = _why(rows, record), rows[0]
    if first.comparison is None or first.comparison.mean is None:
        return f"Undecided: {why}; no pair of runs is complete."
    # To the digits that are printed: nobody "led by 0.00".
    gain = _gain(first, table) if float(signed(first.comparison.mean, table.metric)) else 0.0
    stood = (
        "led by" if gain > 0 else "was behind, at" if gain < 0 else "was level with the baseline:"
    )
    return f"Undecided: {why}; {first.cell.name} {stood} {_difference(first, table)}."


def _named(rows: list[Row], table: Table) -> str:
    shown = [f"{row.cell.name} {_difference(row, table)}" for row in rows[:_SHOWN]]
    more = len(rows) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _difference(row: Row, table: Table) -> str:
    """``+0.77 miou (+0.70 to +0.83)`` in percentage points, ``-1.20 mm hausdorff`` in a unit."""
    compared = row.comparison
    assert compared is not None
    assert compared.mean is not None
    unit = "" if table.unit == "fraction" else f" {table.unit}"
    text = f"{signed(compared.mean, table.metric)}{unit} {table.metric}"
    if compared.low is None or compared.high is None:
        return text
    low, high = signed(compared.low, table.metric), signed(compared.high, table.metric)
    return f"{text} ({low} to {high})"


def signed(value: float, metric: str) -> str:
    """A difference with its sign; zero, also after rounding, has none."""
    share = METRICS[metric].unit == "fraction"
    text = f"{100 * value:+.2f}" if share else f"{value:+.3f}"
    return zero_without_sign(text)


def _number(metric: str, value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if METRICS[metric].unit == "fraction":
        return f"{zero_without_sign(f'{100 * value:.2f}')} %"
    return f"{zero_without_sign(f'{value:.2f}')} {unit}"


def _gain(row: Row, table: Table) -> float:
    """The mean difference, positive where the cell is better; without one, behind all others."""
    gain = table.gain(row)
    return -math.inf if gain is None else gain
