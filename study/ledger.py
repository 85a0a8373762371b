"""What happened, one JSON event a line, appended and synced: the one source of truth.

MLflow, tables, pictures and reports are made from it and can be made again.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from study.record import StudyRecord

SCHEMA = 1
FILE = "ledger.jsonl"

Listener = Callable[[Mapping[str, Any], StudyRecord], None]


class LedgerError(ValueError):
    """A ledger that cannot be read; one line says which line of it and why."""


def clean(value: Any) -> Any:
    """The same value in strict JSON: what is no number becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    return value


def read(path: Path) -> tuple[list[dict[str, Any]], bytes]:
    """All whole events, and the tail that a crash cut off (usually empty).

    Raises:
        LedgerError: a line in the middle is damaged, or the schema is a newer one.
    """
    *lines, tail = path.read_bytes().split(b"\n")
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except ValueError:
            raise LedgerError(
                f"{path}:{number}: not a whole event; the ledger is damaged"
            ) from None
        events.append(event)
    for event in events[:1]:
        if event.get("schema") != SCHEMA:
            raise LedgerError(f"{path}: schema must be {SCHEMA}, got {event.get('schema')!r}")
    return events, tail


class Ledger:
    """The open ledger of a study: the file, and what it says so far."""

    def __init__(self, path: Path) -> None:
        """Read what is there, setting a cut-off tail aside. The first event makes the file."""
        self.path = path
        self._file: BinaryIO | None = None
        self.record = StudyRecord()
        self.listeners: list[Listener] = []
        if path.exists():
            events, tail = read(path)
            for event in events:
                self.record.apply(event)
            if tail:
                path.with_suffix(f".cut-{int(time.time())}").write_bytes(tail)
                os.truncate(path, path.stat().st_size - len(tail))

    def append(self, event: str, **fields: Any) -> None:
        """Write one event, wait until the disk has it, then tell the listeners."""
        written = {"event": event, "time": round(time.time(), 3), **clean(fields)}
        line = json.dumps(written, allow_nan=False, separators=(",", ":"))
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.record.apply(written)
        for listener in self.listeners:
            listener(written, self.record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
