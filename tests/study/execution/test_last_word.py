"""A driver that vanishes still has a last line: how to resume its study."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, signal, sys
from study.execution import last_word
with last_word.LastWord("the command"):
    if sys.argv[1] == "vanish":
        print("forty lines of Ray", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1] == "exit":
        os._exit(7)  # as Ray does from within
    if sys.argv[1] == "say":
        last_word.dismiss()
        os._exit(130)
    if sys.argv[1] == "raise":
        raise SystemExit(3)
"""


def ended(how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, how]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(("how", "code"), [("vanish", -signal.SIGKILL), ("exit", 7)])
def test_the_last_line_is_ours_whatever_ended_the_driver(how: str, code: int) -> None:
    done = ended(how)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].endswith("to resume: the command")


@pytest.mark.parametrize(("how", "code"), [("say", 130), ("raise", 3), ("end", 0)])
def test_nothing_is_added_to_a_word_of_the_drivers_own(how: str, code: int) -> None:
    done = ended(how)
    assert (done.returncode, done.stderr) == (code, "")
