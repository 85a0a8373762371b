"""Standard output and error that a study outlives.

The terminal may close, the pipe's reader may end (``| head``), the file may be full, or there may
be no output at all (``>&-``). None of this is a reason to lose a study: what cannot be printed is
dropped, and the exit code is as if it had been printed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, cast


class Screen:
    """Passes text on to a stream until it fails, then drops it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False

    def write(self, text: str) -> int:
        if not self.lost:
            try:
                self._stream.write(self._writable(text))
            except (OSError, ValueError):  # ValueError: the stream is closed
                self._lose()
        return len(text)

    def flush(self) -> None:
        if not self.lost:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._lose()

    def _writable(self, text: str) -> str:
        """The text, with ``?`` for letters that the stream's encoding lacks."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)

    def _lose(self) -> None:
        """Send the rest to nowhere: Python would try to write it once more at its end."""
        self.lost = True
        with suppress(OSError, ValueError, AttributeError):  # a stream without a file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def outlived() -> Iterator[None]:
    """Guard standard output and error while a command runs."""
    _open_missing()
    before = sys.stdout, sys.stderr
    screens = [Screen(stream or open(os.devnull, "w")) for stream in before]
    sys.stdout, sys.stderr = (cast(TextIO, screen) for screen in screens)
    try:
        yield
    finally:
        for screen in screens:
            screen.flush()
        sys.stdout, sys.stderr = before


def _open_missing() -> None:
    """Open standard files that are closed: else the next file takes the number, a ledger's too, and
    what a library prints goes into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
