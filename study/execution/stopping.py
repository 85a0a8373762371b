"""How a study stops: faults that every trial would meet, signals, exit codes."""

import errno
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from cluster.own_cluster import kill_own_cluster
from study.execution import last_word
from study.ledger.errors import StorageError
from study.ledger.storage import refusal
from study.ledger.typed_command import name_of
from study.planning.request import StudyRequest
from trainables.config import require
from trainables.config.words import counted
from trainables.lane.failures import STORAGE_ERRORS, Failure, FailureKind, is_result

_AMBIGUOUS = (errno.EIO,)  # "Input/output error" may occur in the text of any error
INTERRUPTED = 130
"""Exit code: the user, Slurm or Kubernetes ended it."""
STOPPED = 1
"""Exit code: a fault ended it. Both kinds of study can be resumed."""
_ENDING = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C; Slurm and Kubernetes."""
_LEAVING = (signal.SIGHUP, signal.SIGQUIT)
"""A terminal or an ssh connection that closed; Ctrl-backslash. Ignored if the command was started
with them ignored (``nohup``)."""


class Interrupts:
    """Ends a study in order on SIGINT, SIGTERM, SIGHUP and SIGQUIT. Main thread only."""

    def __init__(self, resume: str) -> None:
        self.resume = resume
        """The command that resumes the study."""
        self.seen = False
        self.tune_runs = False

    def __enter__(self) -> None:
        # Tune would handle SIGINT itself, and a second Ctrl-C would not end the process at once.
        os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
        leaving = [number for number in _LEAVING if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self) for number in (*_ENDING, *leaving)}

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.seen and number == signal.SIGHUP:
            return  # a closing terminal sends it more than once: the kernel, then the shell
        if self.seen:
            _say(f"ended at once; to resume: {self.resume}")
            with suppress(Exception):
                last_word.dismiss()
                kill_own_cluster()
            os._exit(INTERRUPTED)  # sys.exit would wait for Tune and Ray
        self.seen = True
        _say("ending: closing lanes, writing what is known; a second signal ends at once")
        if not self.tune_runs:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGUSR1)  # on which Tune ends its trials in order


def _say(text: str) -> None:
    """Write straight to the terminal: a signal may arrive in the middle of a print, and SIGHUP
    says that the terminal is gone. One that is stopped (Ctrl-S) is left alone: it would block."""
    with suppress(OSError, ValueError):
        _, ready, _ = select.select([], [2], [], 0)
        if ready:
            os.write(2, f"\n{name_of('study/run.py')}: {text}\n".encode())


@contextmanager
def while_tune_runs() -> Iterator[None]:
    """Pass signals on to Tune while it runs, and restore the earlier handlers afterwards."""
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


def _before_tune_listens(number: int, frame: FrameType | None) -> None:
    """Handles SIGUSR1 until Tune sets its own handler; without one, the process would die."""
    raise KeyboardInterrupt


def _main_thread() -> bool:
    """Whether this thread can handle signals; in any other one, Tune listens to none."""
    return threading.current_thread() is threading.main_thread()


class Stop:
    """Ends a running Tune in order and stores the reason; the first reason counts."""

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
    """What the command line says about failures; ``--resume`` may change it."""

    max_failures: int = 0
    """How many trials with an error end this attempt; 0: no limit."""
    on_oom: Literal["fail", "halve"] = "fail"
    lane_wait_s: float = 1800.0
    """How long a study waits while there is no room for any lane."""


def policy_of(request: StudyRequest) -> Policy:
    """The requested policy, or a ValueError that names the option."""
    if not request.lane_wait > 0:
        raise ValueError(f"--lane-wait must be above 0 minutes, got {request.lane_wait:g}")
    require(request.max_failures >= 0, "--max-failures", ">= 0", request.max_failures)
    known: dict[str, Literal["fail", "halve"]] = {"fail": "fail", "halve": "halve"}
    require(request.on_oom in known, "--on-oom", f"one of {', '.join(known)}", request.on_oom)
    return Policy(request.max_failures, known[request.on_oom], request.lane_wait * 60)


class Faults:
    """Judges each failure, and stops the study if every other trial would fail in the same way."""

    def __init__(self, policy: Policy, stop: Stop) -> None:
        self.policy, self.stop = policy, stop
        self.count = 0

    def ends_all(self, failure: Failure) -> bool:
        """Whether every trial would meet this fault: the study stops, and the trial stays open."""
        message = failure.message
        if failure.kind == FailureKind.DATA:
            self.stop(f"{message}; every trial would meet it: repair the file, then resume")
        elif failure.kind == FailureKind.STORAGE or storage_words(message):
            self.stop(f"the storage cannot be written: {message.splitlines()[-1]}")
        return bool(self.stop.reason)

    def note(self, number: int, failure: Failure) -> None:
        """Count a trial's failure; the last one allowed stops the study."""
        if is_result(failure.kind):
            return
        self.count += 1
        if self.count == self.policy.max_failures:
            self.stop(
                f"{counted(self.count, 'trial')} raised an error, as many as --max-failures "
                f"allows; the last, trial {number}: {failure.kind}: {failure.first_line}"
            )


def storage_words(text: str) -> str:
    """The operating system's words for a full or read-only disk, if they are in an error's text."""
    known = [os.strerror(number) for number in sorted(STORAGE_ERRORS) if number not in _AMBIGUOUS]
    return next((words for words in known if words in text), "")


def storage_fault(error: BaseException | None) -> str:
    """What an exception, or one that it wraps, says of a disk that cannot be written, in one line.

    "" if none of them is of that kind. Ray wraps errors in its own types, or in their text alone.
    """
    seen: list[BaseException] = []
    while isinstance(error, BaseException) and error not in seen:
        seen.append(error)
        if isinstance(error, StorageError):
            return str(error)
        if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
            return f"the storage cannot be written: {error.filename or ''} {error.strerror}"
        if words := storage_words(str(error)):
            return f"the storage cannot be written: {words}"
        error = getattr(error, "cause", None) or error.__cause__ or error.__context__
    return ""


@contextmanager
def storage_faults_stop(folder: Path, stop: Stop) -> Iterator[None]:
    """Turn what Ray raises of a disk that cannot be written into one line.

    An error of Ray's that follows another reason to stop is dropped: a full disk leaves it files
    that are empty, over which it stumbles when all trials have ended.

    Raises:
        StorageError: the folder cannot be written, by the error or by a trial of it.
    """
    try:
        yield
    except Exception as error:
        fault = storage_fault(error) or storage_fault(refusal(folder))
        if fault:
            raise StorageError(fault) from None
        if not stop.reason:
            raise
