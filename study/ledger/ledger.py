"""What happened, one JSON event a line, appended and synced: the one source of truth.

MLflow, tables, pictures and reports are made from it and can be made again.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from study.ledger.record import StudyRecord

SCHEMA = 1
FILE = "ledger.jsonl"

Listener = Callable[[Mapping[str, Any], StudyRecord], None]


class LedgerError(ValueError):
    """A ledger that cannot be read; one line says which line of it and why."""


class StorageError(OSError):
    """The study's folder cannot be written; one line says why. Nothing is half-written."""


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
        if not isinstance(event, dict) or not {"event", "time"} <= event.keys():
            raise LedgerError(f"{path}:{number}: not an event; the ledger is damaged")
        if number == 1 and event.get("schema") != SCHEMA:
            raise LedgerError(f"{path}: schema must be {SCHEMA}, got {event.get('schema')!r}")
        events.append(event)
    return events, tail


def folded(path: Path, events: list[dict[str, Any]], into: StudyRecord) -> StudyRecord:
    """The record that these events come to.

    Raises:
        LedgerError: an event that this version does not know, or that its forerunners contradict.
    """
    for number, event in enumerate(events, start=1):
        try:
            into.apply(event)
        except (AttributeError, KeyError, TypeError) as error:
            raise LedgerError(
                f"{path}:{number}: event {event['event']!r} cannot be understood "
                f"({type(error).__name__} {error})"
            ) from None
    return into


class Ledger:
    """The open ledger of a study: the file, and what it says so far."""

    def __init__(self, path: Path) -> None:
        """Read what is there, setting a cut-off tail aside. The first event makes the file."""
        self.path = path
        self._file: int | None = None
        self._size = 0
        self._trouble = ""
        self.record = StudyRecord()
        self.listeners: list[Listener] = []
        if path.exists():
            events, tail = read(path)
            folded(path, events, self.record)
            if tail:
                path.with_suffix(f".cut-{int(time.time())}").write_bytes(tail)
                os.truncate(path, path.stat().st_size - len(tail))

    def append(self, event: str, **fields: Any) -> None:
        """Write one event, wait until the disk has it, then tell the listeners.

        Raises:
            StorageError: the disk is full or read-only; the ledger is as it was before, and takes
                no more until it is opened anew.
        """
        if self._trouble:
            raise StorageError(self._trouble)
        written = {"event": event, "time": round(time.time(), 3), **clean(fields)}
        line = json.dumps(written, allow_nan=False, separators=(",", ":"))
        try:
            self._write(line.encode() + b"\n")
        except OSError as error:
            self._trouble = f"{self.path} cannot be written: {error.strerror}"
            raise StorageError(self._trouble) from None
        self.record.apply(written)
        for listener in self.listeners:
            listener(written, self.record)

    def _write(self, line: bytes) -> None:
        """The whole line or none of it."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            self._size = os.fstat(self._file).st_size
        try:
            left = line
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):  # read-only: the tail is set aside when it is opened again
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles what it is given, for a restore that Edgewise never asks of it."""
        return {**self.__dict__, "_file": None, "listeners": []}

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
