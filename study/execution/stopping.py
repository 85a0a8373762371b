"""What a failure means for the study: one trial less, or the end of it for now."""

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from trainables.lane.failures import STORAGE_ERRORS, FailureKind, is_result

_NO_WORDS = (errno.EIO,)  # "Input/output error" may stand in the text of any error
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


@dataclass(frozen=True)
class Policy:
    """What the command line says about failures; it may be given anew with ``--resume``."""

    max_failures: int = 0
    """Trials that may raise an error in this attempt; the last of them ends it. 0: any number."""
    on_oom: Literal["fail", "halve"] = "fail"
    lane_wait_s: float = 1800.0
    """How long a study waits that has no lane, because there is no room for any."""


def policy_of(max_failures: int, on_oom: str, lane_wait_min: float) -> Policy:
    """The policy, or a ValueError that names the option."""
    if not lane_wait_min > 0:
        raise ValueError(f"--lane-wait must be above 0 minutes, got {lane_wait_min:g}")
    if max_failures < 0:
        raise ValueError(f"--max-failures must be >= 0, got {max_failures}")
    known: dict[str, Literal["fail", "halve"]] = {"fail": "fail", "halve": "halve"}
    if on_oom not in known:
        raise ValueError(f"--on-oom must be one of {', '.join(known)}, got {on_oom!r}")
    return Policy(max_failures, known[on_oom], lane_wait_min * 60)


class Faults:
    """Judges each failure, and stops the study where every trial would meet the same."""

    def __init__(self, policy: Policy, stop: Stop) -> None:
        self.policy, self.stop = policy, stop
        self.count = 0

    def ends_all(self, failure: dict[str, Any]) -> bool:
        """Whether it is no fault of the trial: it stays unfinished, and the study stops."""
        message = failure["message"]
        if failure["kind"] == FailureKind.DATA:
            self.stop(f"{message}; every trial would meet it: mend the file, then go on")
        elif failure["kind"] == FailureKind.STORAGE or storage_words(message):
            self.stop(f"the storage cannot be written: {message.splitlines()[-1]}")
        return bool(self.stop.reason)

    def note(self, number: int, failure: dict[str, Any]) -> None:
        """Count a trial's failure; the last that is allowed stops the study."""
        if is_result(failure["kind"]):
            return
        self.count += 1
        if self.count == self.policy.max_failures:
            first = (failure["message"].splitlines() or [""])[0]
            self.stop(
                f"{self.count} trials raised an error, as many as --max-failures allows; "
                f"the last, trial {number}: {failure['kind']}: {first}"
            )


def storage_words(text: str) -> str:
    """The operating system's words for a full or read-only disk, if they are in an error's text."""
    known = [os.strerror(number) for number in sorted(STORAGE_ERRORS) if number not in _NO_WORDS]
    return next((words for words in known if words in text), "")
