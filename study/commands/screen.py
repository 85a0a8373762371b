"""Standard output and error that a study outlives.

The terminal may close, the pipe's reader may end (``| head``), the file may be full, or there may
be no output at all (``>&-``). None of this is a reason to lose a study: what cannot be printed is
dropped, and the exit code is as if it had been printed. While a study runs, a terminal that is
stopped (Ctrl-S) does not stop it either.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, cast

from study.commands.screen_writer import ScreenWriter

_PATIENCE_S = 5.0
"""How long a study that has ended waits for its last lines to be taken."""


class Screen:
    """Passes text on to a stream until it fails, then drops it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._writer: ScreenWriter | None = None
        self.lost = False

    def stop_waiting(self) -> None:
        """From now on nobody waits for the stream; what it does not take in time is dropped."""
        if self._writer is None:
            self.flush()
            self._writer = ScreenWriter(self._stream, self._lose)

    def write(self, text: str) -> int:
        if self._writer is not None:
            if not self.lost:
                self._writer.put(self._writable(text))
        elif not self.lost:
            try:
                self._stream.write(self._writable(text))
            except (OSError, ValueError):  # ValueError: the stream is closed
                self._lose()
        return len(text)

    def flush(self) -> None:
        if not self.lost and self._writer is None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._lose()

    def close(self, patience_s: float = _PATIENCE_S) -> None:
        """Write the rest, but wait no longer than this."""
        self.flush()
        if self._writer is not None:
            self._writer.drain(patience_s)

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
        # Both are usually one terminal, which has one span of patience.
        end = time.monotonic() + _PATIENCE_S
        for screen in screens:
            screen.close(max(0.0, end - time.monotonic()))
        sys.stdout, sys.stderr = before


def stop_waiting() -> None:
    """Let no print of this process wait for its terminal or pipe, from now on to its end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Screen):
            stream.stop_waiting()


def _open_missing() -> None:
    """Open standard files that are closed: else the next file takes the number, a ledger's too, and
    what a library prints goes into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
