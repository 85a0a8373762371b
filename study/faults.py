"""What a failure means for the study: one trial less, or the end of it for now."""

import errno
import os
from dataclasses import dataclass
from typing import Any, Literal

from study.stopping import Stop
from trainables.failures import DATA, DIVERGED, FULL, MEMORY, STORAGE

RESULTS = (DIVERGED, MEMORY)
"""Failures that are a config's own result: the sampler learns of them, no limit counts them."""
_NO_WORDS = (errno.EIO,)  # "Input/output error" may stand in the text of any error


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
        if failure["kind"] == DATA:
            self.stop(f"{message}; every trial would meet it: mend the file, then go on")
        elif failure["kind"] == STORAGE or storage_words(message):
            self.stop(f"the storage cannot be written: {message.splitlines()[-1]}")
        return bool(self.stop.reason)

    def note(self, number: int, failure: dict[str, Any]) -> None:
        """Count a trial's failure; the last that is allowed stops the study."""
        if failure["kind"] in RESULTS:
            return
        self.count += 1
        if self.count == self.policy.max_failures:
            first = (failure["message"].splitlines() or [""])[0]
            self.stop(f"{self.count} trials raised an error, as many as --max-failures allows; "
                      f"the last, trial {number}: {failure['kind']}: {first}")  # fmt: skip


def storage_words(text: str) -> str:
    """The operating system's words for a full or read-only disk, if they are in an error's text."""
    known = [os.strerror(number) for number in sorted(FULL) if number not in _NO_WORDS]
    return next((words for words in known if words in text), "")
