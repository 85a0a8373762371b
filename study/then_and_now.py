"""A trial that was run again, beside its record: equal on the same machine, to the last digit."""

from typing import Any

from study.blocks import Block, Prose, Section, Sheet
from study.record import StudyRecord


def compared(record: StudyRecord) -> list[tuple[str, float | None, float | None]]:
    """Each figure then and now: validation after the last epoch that the trial reached then, and
    the test list where both were measured on it."""
    source, trial = record.plan["replay"], record.trials.get(0)
    again: dict[str, Any] = {}
    if trial is not None and source["epoch"] in trial.epochs:
        again = trial.epochs[source["epoch"]]["metrics"]
    rows = [(name, value, again.get(name)) for name, value in source["metrics"].items()]
    if trial is not None and trial.tested and source["tested"]:
        rows += [(name, value, trial.tested.get(name)) for name, value in source["tested"].items()]
    return rows


def verdict(record: StudyRecord) -> str:
    """``all 47 figures are equal``, or how many are not and by how much at most."""
    source, rows = record.plan["replay"], compared(record)
    state = record.trials[0].state if 0 in record.trials else "not run"
    unequal = {name: _gap(then, now) for name, then, now in rows if then != now}
    if not rows:
        return f"no figures to compare: then {source['state']}, now {state}"
    if not unequal:
        return f"all {len(rows)} figures are equal; then {source['state']}, now {state}"
    worst = max(unequal, key=lambda name: unequal[name])
    return (f"{len(unequal)} of {len(rows)} figures differ, most {worst} by {unequal[worst]:.2g}; "
            f"then {source['state']}, now {state}")  # fmt: skip


def _gap(then: float | None, now: float | None) -> float:
    return abs(then - now) if then is not None and now is not None else float("inf")


def section(record: StudyRecord) -> list[Block | Section]:
    """Both figures beside each other, to the last digit; nothing for what is no replay."""
    if "replay" not in record.plan:
        return []
    source = record.plan["replay"]
    rows = [[name, _exact(then), _exact(now)] for name, then, now in compared(record)]
    head = [f"after epoch {source['epoch']}", f"{source['study']}/{source['trial']}", "again"]
    said = Prose(f"Then and now: {verdict(record)}.")
    return [Section("Then and now", [said, Sheet(head, rows)])]


def _exact(value: float | None) -> str:
    return "-" if value is None else f"{value:.9g}"
