"""Why a trial failed. Imports no torch: the mailbox and the driver read failures, too."""

import errno
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """The kinds of failure that the study handles specially.

    The kind of any other failure is the name of the exception's type.
    """

    is_result: bool
    """Whether the config itself caused it: the sampler learns from it, and no limit counts it."""

    def __new__(cls, value: str, is_result: bool) -> "FailureKind":
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.is_result = is_result
        return kind

    MEMORY = "memory", True
    """Too little memory for this config: a retry would end in the same way."""
    DIVERGED = "diverged", True
    """The loss was not finite."""
    DATA = "data", False
    """A file can no longer be used: every trial would fail on it."""
    STORAGE = "storage", False
    """The study's folder is full, read-only or gone: every trial would fail on it."""
    FIRST_TRAINING = "first training", False
    """The trial whose network it would start from failed, or that network is lost."""
    LANE = "lane", False
    """The trial's worker groups died repeatedly."""


_RESULTS = frozenset(kind for kind in FailureKind if kind.is_result)


def is_result(kind: str | None) -> bool:
    """Whether the config itself causes failures of this kind."""
    return kind in _RESULTS


STORAGE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE}
"""The operating system's error numbers for a disk that cannot be written."""


@dataclass(frozen=True)
class Failure:
    """How a trial failed."""

    kind: str
    """One of ``FailureKind``, or the type of the exception that the trial's code raised."""
    message: str
    traceback: str = ""

    @property
    def first_line(self) -> str:
        """The first line of the message."""
        return next(iter(self.message.splitlines()), "")
