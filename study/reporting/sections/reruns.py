"""What became of a search's winner on fresh seeds: figures of a later study in the same storage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study.analysis import tables
from study.ledger.ledger import FILE, LedgerError, read
from study.ledger.record import StudyRecord
from study.reporting.document import Block, Prose, Section, Sheet
from study.reporting.sections.ablation_table import body, heads
from study.reporting.values import percent

WINNER, VAL = "winner", "search {}, val"
"""The cell that is the winner, and the setup under which it carries the search's own figure."""


def origin(record: StudyRecord) -> str:
    """The search whose winner this study ran again; "" for another study."""
    if record.plan.get("grid", {}).get("name") != WINNER:
        return ""
    for cell in record.plan["grid"]["cells"]:
        for setup in cell["published"]:
            if setup.startswith("search ") and setup.endswith(", val"):
                return str(setup.removeprefix("search ").removesuffix(", val"))
    return ""


def rerun_section(record: StudyRecord, study: Path) -> list[Block | Section]:
    """Both figures of a search's winner: as it was chosen, and on seeds that chose nothing."""
    best = record.best()
    parts: list[Block | Section] = []
    for again in _reruns(record.plan["study"], study.parent):
        table = tables.metric_tables(again)[0]
        won = next(row for row in table.rows if row.cell.name == WINNER)
        chosen = won.cell.published.get(VAL.format(record.plan["study"]), {}).get(table.metric)
        same = best is not None and again.plan["grid"]["source"].startswith(f"trial {best.number} ")
        said = (
            f"Study `{again.plan['study']}`: the winner's `{table.metric}` was "
            f"{percent(chosen)} % on the validation list, on the seed that chose it; on "
            f"{len(won.values)} fresh seeds it is {percent(won.mean)} % on the {table.split} list"
            f"{'' if same else '. It was another trial that won then'}."
        )
        parts.append(
            Section(
                "The winner on fresh seeds",
                [
                    Prose(said),
                    Sheet(heads(table), body(table)),
                    Prose(tables.protocol(again, table)),
                ],
            )
        )
    return parts


def _reruns(name: str, storage: Path) -> Iterator[StudyRecord]:
    """Studies of this storage that ran the winner of the named search again, in order."""
    for path in sorted(storage.glob(f"*/{FILE}")):
        with path.open() as file:
            first = file.readline()
        if f'"{VAL.format(name)}"' not in first:
            continue
        record = StudyRecord()
        try:
            for event in read(path)[0]:
                record.apply(event)
        except LedgerError:
            continue  # cut off in its first line, or damaged: it says nothing
        if record.plan and origin(record) == name:
            yield record


def replayed_figures(record: StudyRecord) -> list[tuple[str, float | None, float | None]]:
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


def replay_verdict(record: StudyRecord) -> str:
    """``all 47 figures are equal``, or how many are not and by how much at most."""
    source, rows = record.plan["replay"], replayed_figures(record)
    state = record.trials[0].state if 0 in record.trials else "not run"
    unequal = {name: _gap(then, now) for name, then, now in rows if then != now}
    if not rows:
        return f"no figures to compare: then {source['state']}, now {state}"
    if not unequal:
        return f"all {len(rows)} figures are equal; then {source['state']}, now {state}"
    worst = max(unequal, key=lambda name: unequal[name])
    return (
        f"{len(unequal)} of {len(rows)} figures differ, most {worst} by {unequal[worst]:.2g}; "
        f"then {source['state']}, now {state}"
    )


def _gap(then: float | None, now: float | None) -> float:
    return abs(then - now) if then is not None and now is not None else float("inf")


def replay_section(record: StudyRecord) -> list[Block | Section]:
    """Both figures beside each other, to the last digit; nothing for what is no replay."""
    if "replay" not in record.plan:
        return []
    source = record.plan["replay"]
    rows = [[name, _exact(then), _exact(now)] for name, then, now in replayed_figures(record)]
    head = [f"after epoch {source['epoch']}", f"{source['study']}/{source['trial']}", "again"]
    said = Prose(f"Then and now: {replay_verdict(record)}.")
    return [Section("Then and now", [said, Sheet(head, rows)])]


def _exact(value: float | None) -> str:
    return "-" if value is None else f"{value:.9g}"
