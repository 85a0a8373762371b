"""Texts about the per-cell searches before a comparison, for the terminal and the report."""

from collections.abc import Mapping

from study.analysis.units import unit_in
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.values import formatted, metric_head, metric_value
from trainables.config.words import counted


def facts(plan: Plan, lists: Mapping[str, str]) -> dict[str, str]:
    """The plan's line; none without per-cell searches."""
    design = plan.design
    if not design.search_trials:
        return {}
    trials = counted(design.search_trials, "trial")
    return {
        "first": f"each cell searches its fields with a ? for {trials} ({design.sampler}, seed "
        f"{plan.base['seed']}), the first with the weights shown; its best by {plan.objective} on "
        f"the {lists.get('val', 'validation list')} is then compared",
    }


def lines(record: StudyRecord) -> list[str]:
    """One line per cell: the chosen trial, and the range of all its trials."""
    return [
        f"{row[0]}: {row[4]} ({row[1]} complete trials: {row[2]} .. {row[3]} on validation)"
        for row in _rows(record)
    ]


def section(record: StudyRecord) -> Parts:
    """The report's section; none without per-cell searches."""
    rows = _rows(record)
    if not rows:
        return []
    objective, trials = record.plan.objective, record.plan.design.search_trials
    named = metric_head(objective, unit_in(record, objective))
    head = ["cell", "complete trials", f"lowest {named}", f"highest {named}", "chosen"]
    text = Prose(
        f"{counted(trials, 'trial')} per cell on the {record.data.list_name('val')}, sampler "
        f"{record.plan.design.sampler}, seed {record.plan.base['seed']}; the first used the "
        "cell's initial weights."
    )
    return [Section("The search of each cell", [text, Sheet(head, rows)])]


def differing(record: StudyRecord) -> list[str]:
    """Notes on fields outside the loss, such as the learning rate, that the cells' searches set to
    different values: a difference between such cells may not come from the loss."""
    cells = {cell: chosen.changes for cell, chosen in record.chosen.items()}
    notes = []
    for path in cells.get(record.plan.grid.baseline, {}):
        by_value: dict[str, list[str]] = {}
        for cell, changes in cells.items():
            by_value.setdefault(formatted(changes.get(path)), []).append(cell)
        if len(by_value) > 1 and not path.startswith("loss/"):
            named = "; ".join(f"{value}: {', '.join(names)}" for value, names in by_value.items())
            notes.append(
                f"The cells' searches also set {path}, to different values ({named}): a "
                f"difference between two cells that differ in it may come from it. --control "
                f"{record.plan.study} compares them at one value."
            )
    return notes


def _rows(record: StudyRecord) -> list[list[str]]:
    rows, objective = [], record.plan.objective
    for cell, chosen in record.chosen.items():
        values = [
            value
            for trial in record.in_state("complete")
            if trial.phase == "search"
            and trial.cell == cell
            and (value := trial.value(objective)) is not None
        ]
        changes = ", ".join(f"{path} {formatted(v)}" for path, v in chosen.changes.items())
        best = "no trial was complete" if chosen.trial is None else f"trial {chosen.trial}"
        rows.append(
            [
                cell,
                str(len(values)),
                metric_value(objective, min(values, default=None)),
                metric_value(objective, max(values, default=None)),
                f"{best}: {changes}",
            ]
        )
    return rows
