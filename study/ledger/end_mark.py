"""The end of a ledger, noted in a file beside it: the number of its lines, and the last checksum.

Checksums prove the lines that are there, not that none is missing at the end. The mark is written
after its line is on the disk, so a crash leaves the ledger ahead of it, which is in order; a ledger
behind it has lost lines. It is waited for only at the end: an older mark proves fewer lines, never
wrong ones.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from study.ledger.errors import LedgerError
from study.ledger.lines import COMPRESSED, opened

_NO_CHECKSUM = "-"
_CHECK_DIGITS = 8


class End(NamedTuple):
    """The last line that was written."""

    lines: int
    checksum: str
    """Of that line; "" in a ledger without checksums."""


class EndMark:
    """The mark of a ledger that is being written."""

    def __init__(self, ledger: Path) -> None:
        self._path = path_of(ledger)
        self._file: int | None = None

    def write(self, end: End) -> None:
        """Replace the mark. Raises OSError if it cannot be written."""
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        # All marks have the same length, so one write in place replaces the whole.
        os.pwrite(self._file, _packed(end), 0)

    def close(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None


def path_of(ledger: Path) -> Path:
    return ledger.with_name(ledger.name.removesuffix(COMPRESSED)).with_suffix(".end")


def read(ledger: Path) -> End | None:
    """The mark of a ledger; None without one, as older versions left it.

    Raises:
        LedgerError: it cannot be read, or is damaged.
    """
    path = path_of(ledger)
    try:
        with opened(path) as file:
            content = file.read(256)
    except FileNotFoundError:
        return None
    if not content:  # created, and then the machine lost its power
        return None
    try:
        lines, checksum, _ = content.decode().split()
        end = End(int(lines), "" if checksum == _NO_CHECKSUM else checksum)
    except ValueError:
        end = None
    if end is None or _packed(end) != content:
        raise LedgerError(f"{path}: damaged; delete it to resume without its proof")
    return end


def require_reached(ledger: Path, end: End, checksums: list[str]) -> None:
    """Check that a ledger has the line that its mark names.

    Args:
        checksums: of all lines; "" where they have none.

    Raises:
        LedgerError: lines are missing at its end, or it is another ledger.
    """
    remedy = f"put it back, or delete {path_of(ledger)} to continue with the lines that are left"
    if len(checksums) < end.lines:
        raise LedgerError(
            f"{ledger}: {end.lines} lines were written and {len(checksums)} are there: its end is "
            f"missing; the ledger is damaged: {remedy}"
        )
    if end.lines and end.checksum not in ("", checksums[end.lines - 1]):
        raise LedgerError(f"{ledger}:{end.lines}: another ledger is in its place: {remedy}")


def require_none(ledger: Path) -> None:
    """Check that a ledger that is missing or empty never had a line.

    Raises:
        LedgerError: it had some.
    """
    if end := read(ledger):
        require_reached(ledger, end, [])


def _packed(end: End) -> bytes:
    text = f"{end.lines:012d} {end.checksum or _NO_CHECKSUM:16}"
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()[:_CHECK_DIGITS]}\n".encode()
