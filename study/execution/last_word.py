"""Says how to resume a study whose driver ended without a word.

A driver that is killed cannot say anything, and Ray ends it from within when its raylet dies. So a
small process waits beside it: it sees the end of a pipe, whatever ended the driver.
"""

import subprocess
import sys
from contextlib import suppress

from study.ledger.typed_command import name_of

_PROGRAM = """
import os, sys
if not sys.stdin.buffer.read():
    try:
        os.write(2, sys.argv[1].encode(errors="replace"))
    except OSError:
        pass
"""
_current: "LastWord | None" = None


class LastWord:
    """While it is entered, the line is printed to standard error if this process just vanishes."""

    def __init__(self, resume: str) -> None:
        """``resume`` is the command that resumes the study."""
        why = "killed, or ended by Ray, without a message"
        self._line = f"\n{name_of('study/run.py')}: {why}; to resume: {resume}\n"

    def __enter__(self) -> None:
        global _current
        _current = self
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _PROGRAM, self._line],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # what is sent to the driver's group is not for it
        )

    def __exit__(self, *error: object) -> None:
        self.dismiss()

    def dismiss(self) -> None:
        """Let the process end without a word."""
        global _current
        _current = None
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(b".")
            self._process.stdin.close()
        self._process.wait()


def dismiss() -> None:
    """The same, for whoever ends this process at once after a word of its own."""
    if _current is not None:
        _current.dismiss()
