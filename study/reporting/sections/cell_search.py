"""The per-cell searches that come before a comparison, in the plan, the terminal and the report."""

from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.values import formatted, percent


def facts(plan: Plan) -> dict[str, str]:
    """The plan's line; none where no cell is searched."""
    design = plan.design
    if not design.search_trials:
        return {}
    return {
        "first": f"{design.search_trials} trials of each cell's own search (?), {design.sampler}, "
        f"seed {plan.base['seed']}, the first with the weights shown; the best by "
        f"{plan.objective} on the validation list is compared",
    }


def lines(record: StudyRecord) -> list[str]:
    """One line per cell: what was chosen, and among what."""
    return [
        f"{row[0]}: {row[4]} ({row[1]} complete trials: {row[2]} .. {row[3]} on validation)"
        for row in _rows(record)
    ]


def section(record: StudyRecord) -> Parts:
    """The report's section; none where no cell was searched."""
    rows = _rows(record)
    if not rows:
        return []
    objective, trials = record.plan.objective, record.plan.design.search_trials
    head = ["cell", "complete trials", f"least {objective} %", f"most {objective} %", "chosen"]
    said = Prose(
        f"{trials} trials a cell on the validation list, sampler "
        f"{record.plan.design.sampler}, seed {record.plan.base['seed']}; the first had the "
        "cell's initial weights."
    )
    return [Section("The search of each cell", [said, Sheet(head, rows)])]


def differing(record: StudyRecord) -> list[str]:
    """A line for each field outside the loss that the baseline searched too, and for which cells
    chose different values: a difference between such cells is not the loss's alone."""
    cells = {cell: chosen.changes for cell, chosen in record.chosen.items()}
    found = []
    for path in cells.get(record.plan.grid.baseline, {}):
        by_value: dict[str, list[str]] = {}
        for cell, changes in cells.items():
            by_value.setdefault(formatted(changes.get(path)), []).append(cell)
        if len(by_value) > 1 and not path.startswith("loss/"):
            named = "; ".join(f"{value}: {', '.join(names)}" for value, names in by_value.items())
            found.append(
                f"Cells chose {path} too, not all the same ({named}): a difference between two "
                f"that differ in it may come from it. --control {record.plan.study} compares "
                f"them at one value."
            )
    return found


def _rows(record: StudyRecord) -> list[list[str]]:
    rows = []
    for cell, chosen in record.chosen.items():
        values = [
            value
            for trial in record.in_state("complete")
            if trial.phase == "search"
            and trial.cell == cell
            and (value := trial.value(record.plan.objective)) is not None
        ]
        changes = ", ".join(f"{path} {formatted(v)}" for path, v in chosen.changes.items())
        of = "no trial was complete" if chosen.trial is None else f"trial {chosen.trial}"
        rows.append(
            [
                cell,
                str(len(values)),
                percent(min(values, default=None)),
                percent(max(values, default=None)),
                f"{of}: {changes}",
            ]
        )
    return rows
