"""The ledger of a study: one JSON event per line, appended and synced to disk.

It is the only source of truth: MLflow, tables, pictures and reports are derived from it and can be
rebuilt.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from study.ledger import chain, end_mark
from study.ledger.append_file import AppendFile
from study.ledger.end_mark import End, EndMark
from study.ledger.errors import LedgerError, StorageError
from study.ledger.events import SCHEMA, UNLINKED_SCHEMA, Event, event_from_json
from study.ledger.fold_checks import require_foldable
from study.ledger.json_records import Json, clean
from study.ledger.lines import COMPRESSED, parse, read_lines, shortened
from study.ledger.record import StudyRecord

Listener = Callable[[Event], None]
"""Receives every written event, in the thread that writes it, and owns its state."""
_DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a line raises that parses but does not hold what its event needs."""


def read(path: Path) -> tuple[list[Json], bytes]:
    """Read all complete lines, and the unfinished tail that a crash left (usually empty).

    Raises:
        LedgerError: a complete line is damaged, changed, removed or moved, or the schema is a
            later one. Ledgers of schema 1 have no checksums, so that only damaged lines show.
            Lines that are missing at the end show in every ledger with a mark of its end.
    """
    end = end_mark.read(path)  # first: a study that runs may append meanwhile
    lines, tail = read_lines(path)
    events: list[Json] = []
    checksums = [""]
    for number, line in enumerate(lines, start=1):
        event = parse(path, number, line)
        if number == 1:
            _check_schema(path, event.get("schema"))
        events.append(event)
        checksums.append(_checked(path, number, line, checksums[-1], linked=has_checksums(events)))
    if end is not None:
        end_mark.require_reached(path, end, checksums[1:])
    return events, tail


def _check_schema(path: Path, schema: object) -> None:
    # By type, too: True equals 1.
    if type(schema) is not int or schema not in (UNLINKED_SCHEMA, SCHEMA):
        known = f"{UNLINKED_SCHEMA} or {SCHEMA}"
        raise LedgerError(f"{path}: schema must be {known}, got {schema!r}")


def has_checksums(lines: list[Json]) -> bool:
    """Whether the lines of this ledger carry checksums: so do all but those of schema 1."""
    return not lines or lines[0].get("schema") != UNLINKED_SCHEMA


def _checked(path: Path, number: int, line: bytes, before: str, *, linked: bool) -> str:
    """The checksum of a line, if it fits.

    Raises:
        LedgerError: it does not.
    """
    found = chain.checksum_of(line, before) if linked else ""
    if found is None or (not linked and chain.is_linked(line)):
        raise LedgerError(
            f"{path}:{number}: the checksum does not fit: this line was changed, or lines before "
            f"it were removed or moved; the ledger is damaged"
        )
    return found


def folded(path: Path, lines: list[Json], into: StudyRecord) -> StudyRecord:
    """Fold these lines into a record, and return it.

    Raises:
        LedgerError: this version does not know an event, or it contradicts earlier ones.
    """
    for number, line in enumerate(lines, start=1):
        try:
            event = event_from_json(line)
            require_foldable(event, into)
            into.apply(event)
        except _DAMAGE as error:
            raise LedgerError(
                f"{path}:{number}: event {line['event']!r:.60} cannot be understood "
                f"({shortened(error)})"
            ) from None
    return into


class Ledger:
    """The open ledger of a study: its file, and the record of all events so far."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one; the first event creates it.

        An unfinished last line moves to a file beside the ledger.

        Raises:
            LedgerError: the file cannot be read, is compressed, or is gone although its mark is
                there.
        """
        if path.suffix == COMPRESSED:
            raise LedgerError(f"{path}: is compressed; to continue the study: gunzip {path}")
        self.path = path
        self._write_error = ""
        self._linked, self._end = True, End(0, "")
        self.record = StudyRecord()
        self.listeners: list[Listener] = []
        if not path.exists():
            end_mark.require_none(path)
        else:
            events, tail = read(path)
            folded(path, events, self.record)
            self._linked = has_checksums(events)
            checksum = str(events[-1]["chain"]) if events and self._linked else ""
            self._end = End(len(events), checksum)
            if tail:
                path.with_suffix(f".cut-{int(time.time())}").write_bytes(tail)
                os.truncate(path, path.stat().st_size - len(tail))
        self._file, self._mark = AppendFile(path), EndMark(path)

    def append(self, event: Event) -> None:
        """Write one event, wait until it is on disk, then pass it to the listeners.

        Raises:
            StorageError: the disk is full or read-only, or the path no longer names this ledger;
                it accepts no more events until it is opened again.
        """
        if self._write_error:
            raise StorageError(self._write_error)
        event = replace(event, time=round(time.time(), 3))
        content = clean({"event": event.name, "time": event.time, **event.to_json()})
        line = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
        checksum = ""
        if self._linked:  # a ledger that began without checksums goes on without them
            line, checksum = chain.link(line, self._end.checksum)
        end = End(self._end.lines + 1, checksum)
        try:
            self._file.append(line + b"\n")
            self._mark.write(end)
        except OSError as error:
            self._write_error = f"{self.path} cannot be written: {error.strerror}"
            raise StorageError(self._write_error) from None
        self._end = end
        event = event_from_json(json.loads(line))  # what a reader of the file will see
        self.record.apply(event)
        for listener in self.listeners:
            listener(event)

    def lost(self) -> str:
        """Why the path no longer names this ledger, in one line; "" while it does."""
        try:
            self._file.prove()
        except OSError as error:
            return f"{self.path} cannot be written: {error.strerror}"
        return ""

    def __getstate__(self) -> Json:
        """Leave out what cannot be pickled: Tune pickles its arguments for a restore that Edgewise
        never uses."""
        return {**self.__dict__, "_file": None, "_mark": None, "listeners": []}

    def close(self) -> None:
        self._file.close()
        self._mark.close()
