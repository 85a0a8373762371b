"""A file that only grows: it takes complete lines, and its path must still name it.

A process that holds a file open does not notice that its folder was deleted, moved or replaced:
what it writes would be lost without an error.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path


class AppendFile:
    """Appends lines to a file, and proves before and after each one that it is still the same."""

    def __init__(self, path: Path) -> None:
        """Remember which file the path names now, if any; the first line creates it."""
        self._path = path
        self._file: int | None = None
        self._known: tuple[int, int] | None = None
        """Device and inode."""
        self._size = 0
        if path.exists():
            self._known, self._size = _identity(now := path.stat()), now.st_size

    def append(self, line: bytes) -> None:
        """Append the complete line and wait until it is on disk, or leave the file as it was.

        Raises:
            OSError: the disk is full or read-only, or the path names another file, or none.
        """
        self.prove()
        if self._file is None:
            self._file = self._open()
        try:
            left = line
            while left:  # a disk that fills up may take only the beginning
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):  # read-only: the next open moves the tail away
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
        self.prove()

    def prove(self) -> None:
        """Check that the path names the file that was opened, with the length that was written.

        Raises:
            OSError: it does not; ``strerror`` says what is wrong and what to do.
        """
        if self._known is None:
            return
        try:
            now = os.stat(self._path)
        except OSError as error:
            raise _changed(f"it is gone ({error.strerror})") from None
        if _identity(now) != self._known:
            raise _changed("another file has its name")
        if now.st_size != self._size:
            raise _changed(f"{self._size} bytes were written, {now.st_size} are there")

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND
        if self._known is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags |= os.O_CREAT | os.O_EXCL
        opened = os.open(self._path, flags, 0o644)
        self._known = self._known or _identity(os.fstat(opened))
        return opened

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _identity(of: os.stat_result) -> tuple[int, int]:
    return of.st_dev, of.st_ino


def _changed(what: str) -> OSError:
    return OSError(
        errno.ESTALE,
        f"{what}; its folder was deleted, moved, replaced or changed while the study ran: put it "
        f"back, then resume",
    )
