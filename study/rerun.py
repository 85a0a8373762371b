"""What became of a search's winner on fresh seeds: figures of a later study in the same storage."""

from collections.abc import Iterator
from pathlib import Path

from study import tables
from study.blocks import Block, Prose, Section, Sheet
from study.ledger import FILE, LedgerError, read
from study.printed import percent
from study.record import StudyRecord
from study.table_text import body, heads

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


def section(record: StudyRecord, study: Path) -> list[Block | Section]:
    """Both figures of a search's winner: as it was chosen, and on seeds that chose nothing."""
    best = record.best()
    parts: list[Block | Section] = []
    for again in _reruns(record.plan["study"], study.parent):
        table = tables.tables(again)[0]
        won = next(row for row in table.rows if row.cell.name == WINNER)
        chosen = won.cell.published.get(VAL.format(record.plan["study"]), {}).get(table.metric)
        same = best is not None and again.plan["grid"]["source"].startswith(f"trial {best.number} ")
        said = (
            f"Study `{again.plan['study']}`: the winner's `{table.metric}` was "
            f"{percent(chosen)} % on the validation list, on the seed that chose it; on "
            f"{len(won.values)} fresh seeds it is {percent(won.mean)} % on the {table.split} list"
            f"{'' if same else '. It was another trial that won then'}."
        )
        parts.append(Section("The winner on fresh seeds", [
            Prose(said), Sheet(heads(table), body(table)), Prose(tables.protocol(again, table)),
        ]))  # fmt: skip
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
