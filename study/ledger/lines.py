"""Reads the lines of a ledger, whatever lies under its name: the one place that opens ledgers.

A storage is shared, so the file may be another user's, a folder, a pipe that nobody writes, or
anything else. All of it ends in one ``LedgerError`` line that names the file.
"""

import gzip
import json
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from study.ledger.errors import LedgerError
from study.ledger.json_records import Json, clean, mapping

COMPRESSED = ".gz"
"""The end of a compressed ledger's name; nothing is appended to one."""
Readable = IO[bytes] | gzip.GzipFile
LONGEST = 64 * 2**20
"""Bytes of a line. A plan with a plug-in's text takes less than a hundredth of it."""
_SHOWN = 240
"""Characters of an error's text in a message."""


def present(path: Path) -> bool:
    """Whether anything has this name, also if it cannot be read."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read_lines(path: Path) -> tuple[list[bytes], bytes]:
    """Return all complete lines, and the unfinished tail that a crash left (usually empty).

    Raises:
        FileNotFoundError: there is no such file.
        LedgerError: it cannot be read, or a line is too long.
    """
    with opened(path) as file:
        lines = list(_limited(path, file))
    # A line ends with its newline, in one write: only the text after the last one is unfinished.
    tail = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
    return [line[:-1] for line in lines], tail


def first_line(path: Path) -> str:
    """Return the first line, or "" if the file is empty.

    Raises:
        FileNotFoundError: there is no such file.
        LedgerError: it cannot be read.
    """
    with opened(path) as file:
        line = next(_limited(path, file), b"")
    return line.decode(errors="replace")


def parse(path: Path, number: int, line: bytes) -> Json:
    """Parse one line: a JSON object with the keys of every event.

    Raises:
        LedgerError: it is damaged.
    """
    place = f"{path}:{number}"
    try:
        event = json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise LedgerError(f"{place}: not a complete event; the ledger is damaged") from None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise LedgerError(f"{place}: not an event; the ledger is damaged")
    if type(event.get("time")) not in (int, float):
        raise LedgerError(f"{place}: not an event; the ledger is damaged")
    return mapping(clean(event)) if b"\\u" in line else event  # older versions kept half characters


def shortened(error: Exception) -> str:
    """An error in one short line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__} {text[:_SHOWN]}"


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


@contextmanager
def opened(path: Path) -> Iterator[Readable]:
    """Open a plain file; a pipe would wait for its writer, and a device might never end.

    What a compressed one holds is read as it is decompressed.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise LedgerError(f"{path}: not a plain file")
            yield gzip.GzipFile(fileobj=file) if path.suffix == COMPRESSED else file
    except FileNotFoundError:
        raise
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise LedgerError(f"{path}: cannot be decompressed: {error}; it is damaged") from None
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from None


def _limited(path: Path, file: Readable) -> Iterator[bytes]:
    """The lines with their newlines."""
    number = 1
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise LedgerError(
                f"{path}:{number}: longer than {LONGEST // 2**20} MiB; the ledger is damaged"
            )
        yield line
        number += 1
