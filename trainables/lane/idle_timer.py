"""Gives back what has not been used for a while."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class IdleTimer:
    """Calls ``leave`` once nobody has worked for ``after_s`` seconds, and never during work."""

    def __init__(self, leave: Callable[[], None], after_s: float) -> None:
        self._leave, self._after_s = leave, after_s
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Work: the clock stands still, and starts from zero afterwards."""
        self.end()
        with self._lock:
            try:
                yield
            finally:
                self._timer = threading.Timer(self._after_s, self._end_of_patience)
                self._timer.daemon = True
                self._timer.start()

    def _end_of_patience(self) -> None:
        with self._lock:
            if self._timer is threading.current_thread():  # no work came in between
                self._leave()

    def end(self) -> None:
        """Nothing is given back any more, until the next work ends."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
