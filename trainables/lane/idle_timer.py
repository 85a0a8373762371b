"""Releases a resource that has been idle for a while."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class IdleTimer:
    """Calls ``release`` after ``after_s`` seconds without work, and never during work."""

    def __init__(self, release: Callable[[], None], after_s: float) -> None:
        self._release, self._after_s = release, after_s
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the timer during work, and restart it from zero afterwards."""
        self.stop()
        with self._lock:
            try:
                yield
            finally:
                self._timer = threading.Timer(self._after_s, self._expire)
                self._timer.daemon = True
                self._timer.start()

    def _expire(self) -> None:
        with self._lock:
            # A timer that waited for the lock during work is no longer the current one.
            if self._timer is threading.current_thread():
                self._release()

    def stop(self) -> None:
        """Stop the timer until the next work ends."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
