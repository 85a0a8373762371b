"""Which seeds each cell of a study runs, by the looks that were planned and taken."""

from study.analysis.looks import LookRule
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import FINAL


def rule_of(plan: Plan) -> LookRule | None:
    """The rule by which an ablation's cells are decided; None for one test at the end."""
    design = plan.design
    if not design.looks and plan.smallest is None:
        return None
    looks = design.looks or (len(design.seeds),)
    return LookRule(looks=looks, smallest=plan.smallest, mode=plan.mode)


def planned_seeds(plan: Plan, record: StudyRecord) -> dict[str, int]:
    """By cell, how many of the planned seeds it runs as far as is known; an open one: all."""
    return _seeds(plan, record, len(plan.design.units))


def seeds_until_look(plan: Plan, record: StudyRecord) -> dict[str, int]:
    """By cell, how many of the planned seeds it runs before the next look."""
    place = len(record.looks)
    looks = (*plan.design.looks, len(plan.design.seeds))
    return _seeds(plan, record, looks[min(place, len(looks) - 1)])


def _seeds(plan: Plan, record: StudyRecord, of_open: int) -> dict[str, int]:
    last = record.looks[-1].arms if record.looks else {}
    stopped = {name: arm.seeds for name, arm in last.items() if arm.state != "open"}
    cells = [cell.name for cell in plan.design.cells]
    # The baseline is no arm: it runs as long as any does.
    most = max([stopped.get(cell, of_open) for cell in cells if cell in last], default=of_open)
    counts = {cell: stopped.get(cell, of_open if cell in last else most) for cell in cells}
    for cell in reversed(plan.design.cells):  # it starts from a network of a cell before it
        if cell.after:
            counts[cell.after] = max(counts[cell.after], counts[cell.name])
    return counts


def is_look_due(plan: Plan, record: StudyRecord) -> bool:
    """Whether every run before the next planned look has ended, and an arm is open."""
    place, looks = len(record.looks), plan.design.looks
    if place >= len(looks) or not _any_open(record):
        return False
    ended = {(trial.cell, trial.seed) for trial in record.compared().in_state(*FINAL)}
    return all(
        (cell, seed) in ended
        for cell, count in seeds_until_look(plan, record).items()
        for seed in plan.design.seeds[:count]
    )


def _any_open(record: StudyRecord) -> bool:
    return not record.looks or any(arm.state == "open" for arm in record.looks[-1].arms.values())
