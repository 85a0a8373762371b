"""What a person reads of the searches that come before a comparison."""

from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.reporting.document import Block, Prose, Section, Sheet
from study.reporting.values import formatted, percent


def facts(plan: Plan) -> dict[str, str]:
    """The plan's line; none where nothing is searched first."""
    if not plan.search_trials:
        return {}
    return {
        "first": f"{plan.search_trials} trials of each cell's own search (?), {plan.sampler}, seed "
        f"{plan.base.seed}, the first with the weights shown; the best by "
        f"{plan.objective} on the validation list is compared",
    }


def lines(record: StudyRecord) -> list[str]:
    """One line a cell: what was chosen, and out of what."""
    return [
        f"{row[0]}: {row[4]} ({row[1]} whole trials: {row[2]} .. {row[3]} on validation)"
        for row in _rows(record)
    ]


def section(record: StudyRecord) -> list[Block | Section]:
    """The report's part; none where nothing was searched."""
    rows = _rows(record)
    if not rows:
        return []
    objective, trials = record.plan["objective"], record.plan["search_trials"]
    head = ["cell", "whole trials", f"least {objective} %", f"most {objective} %", "chosen"]
    said = Prose(
        f"{trials} trials a cell on the validation list, sampler "
        f"{record.plan['sampler']}, seed {record.plan['base']['seed']}; the first had the "
        "weights that the cell began with."
    )
    return [Section("The search of each cell", [said, Sheet(head, rows)])]


def differing(record: StudyRecord) -> list[str]:
    """A line for each field that the baseline has searched too, outside the loss, and of which
    cells chose different values: a difference between such cells is not the loss's alone."""
    cells = {cell: chosen["changes"] for cell, chosen in record.chosen.items()}
    found = []
    for path in cells.get(record.plan["grid"]["baseline"], {}):
        chose: dict[str, list[str]] = {}
        for cell, changes in cells.items():
            chose.setdefault(formatted(changes.get(path)), []).append(cell)
        if len(chose) > 1 and not path.startswith("loss/"):
            named = "; ".join(f"{value}: {', '.join(names)}" for value, names in chose.items())
            found.append(
                f"Cells chose {path} too, not all the same ({named}): a difference between two "
                f"that differ in it may be its doing. --control {record.plan['study']} compares "
                f"them at one value."
            )
    return found


def _rows(record: StudyRecord) -> list[list[str]]:
    rows = []
    for cell, chosen in record.chosen.items():
        whole = [
            value
            for trial in record.in_state("complete")
            if trial.phase == "search"
            and trial.cell == cell
            and (value := trial.value(record.plan["objective"])) is not None
        ]
        changes = ", ".join(f"{path} {formatted(v)}" for path, v in chosen["changes"].items())
        of = f"trial {chosen['trial']}" if chosen["trial"] is not None else "nothing was whole"
        rows.append(
            [
                cell,
                str(len(whole)),
                percent(min(whole, default=None)),
                percent(max(whole, default=None)),
                f"{of}: {changes}",
            ]
        )
    return rows
