"""Writes text to a stream in a thread of its own, so that nobody else waits for a terminal.

A terminal may be stopped (Ctrl-S) and a pipe's reader may sleep, for hours: a write then blocks.
"""

import os
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import TextIO

_MOST = 2000
"""Texts that wait for a blocked stream: of more, the oldest are dropped, which are progress."""
_ROOM_S = 2.0
"""How long a burst of text waits for a stream before it counts as blocked: on a busy machine a log
is slow, too, and must lose nothing."""


class ScreenWriter:
    """Takes text at once, and writes it as fast as the stream takes it."""

    def __init__(self, stream: TextIO, lose: Callable[[], None]) -> None:
        """``lose`` is called once the stream fails; what follows is dropped."""
        self._stream, self._lose = stream, lose
        self._pending: deque[str] = deque(maxlen=_MOST)
        self._writes = self._blocked = False
        self._changed = Condition()
        Thread(target=self._follow, name="screen", daemon=True).start()

    def put(self, text: str) -> None:
        with self._changed:
            if len(self._pending) == _MOST and not self._blocked:
                self._blocked = not self._changed.wait_for(self._has_room, _ROOM_S)
            self._pending.append(text)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._pending) < _MOST

    def drain(self, patience_s: float) -> None:
        """Wait until all is written, but no longer than this."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending and not self._writes, patience_s)

    def _follow(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._pending))
                text, self._writes = "".join(self._pending), True
                self._pending.clear()
                self._changed.notify_all()
            try:
                self._write(text)
            except (OSError, ValueError):  # ValueError: the stream is closed
                self._lose()
            with self._changed:
                self._writes = self._blocked = False
                self._changed.notify_all()

    def _write(self, text: str) -> None:
        """Past the stream's buffer: Python flushes that at its end, and would wait for its lock."""
        try:
            number = self._stream.fileno()
        except (OSError, ValueError, AttributeError):  # a stream without a file
            self._stream.write(text)
            self._stream.flush()
            return
        left = text.encode(getattr(self._stream, "encoding", None) or "utf-8", "replace")
        while left:
            left = left[os.write(number, left) :]
