"""How a study ends before its time: by Ctrl-C or SIGTERM, once or twice, or by a fault.

Tune ends in good order (nothing half-written, lanes closed) on SIGUSR1. That is what the first
Ctrl-C becomes while Tune runs; elsewhere it is a KeyboardInterrupt. The second one ends at once.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130
"""Exit code: the person, Slurm or Kubernetes ended it."""
STOPPED = 1
"""Exit code: a fault ended it. Both can be resumed."""


class Interrupts:
    """Handles SIGINT and SIGTERM for the length of a study. Main thread only."""

    def __init__(self, resume: str) -> None:
        self.resume = resume
        """The command that goes on with the study."""
        self.seen = False
        self.tune_runs = False

    def __enter__(self) -> None:
        os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
        self._before = {one: signal.signal(one, self) for one in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self, number: int, frame: Any) -> None:
        if self.seen:
            _say(f"ended at once; to go on: {self.resume}")
            os._exit(INTERRUPTED)
        self.seen = True
        _say("ending: closing lanes, writing what is known; once more ends at once")
        if not self.tune_runs:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGUSR1)


def _say(text: str) -> None:
    """Straight to the terminal: a signal handler may stand in the middle of a print."""
    os.write(2, f"\nstudy/run.py: {text}\n".encode())


@contextmanager
def while_tune_runs() -> Iterator[None]:
    """Signals go to Tune, once it listens; what was there before is there again afterwards."""
    if not _main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    before = signal.signal(signal.SIGUSR1, _before_tune_listens)
    try:
        if isinstance(handler, Interrupts):
            handler.tune_runs = True
        yield
    finally:
        if isinstance(handler, Interrupts):
            handler.tune_runs = False
        signal.signal(signal.SIGINT, handler)
        signal.signal(signal.SIGUSR1, before)


def _before_tune_listens(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _main_thread() -> bool:
    """The only one in which signals can be handled; Tune listens to none in another."""
    return threading.current_thread() is threading.main_thread()


class Stop:
    """Ends a running Tune in good order, for a reason; the first one counts."""

    def __init__(self) -> None:
        self.reason = ""
        self._by_signal = _main_thread()

    def __call__(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            if self._by_signal:
                os.kill(os.getpid(), signal.SIGUSR1)
