"""Ctrl-C once, twice, and a stop from within, in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from study.execution.stopping import Stop, while_tune_runs

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, signal, sys, time
from study.execution.stopping import Interrupts, while_tune_runs
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):  # a test under nohup ignores them
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
Interrupts("the command").__enter__()
def wait():
    print("ready", flush=True)
    time.sleep(30)
try:
    if sys.argv[1] == "tune":
        with while_tune_runs():
            ended = []
            signal.signal(signal.SIGUSR1, lambda *of: ended.append(True))  # as Tune does
            print("ready", flush=True)
            while not ended:
                time.sleep(0.01)
            print("in order", flush=True)
    else:
        wait()
except KeyboardInterrupt:
    print("caught", flush=True)
if sys.argv[2] == "twice":
    wait()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("where", ["tune", "elsewhere"])
@pytest.mark.parametrize("times", ["once", "twice"])
def test_the_first_signal_ends_in_order_and_the_second_at_once(
    where: str, times: str, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, where, times],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == ("in order\n" if where == "tune" else "caught\n")
        if times == "twice":
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number if number != signal.SIGHUP else signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if times == "twice" else 0)
    assert ("to resume: the command" in errors) == (times == "twice")


def test_a_stop_before_tune_listens_is_an_interrupt_and_the_first_reason_counts() -> None:
    stop = Stop()
    with while_tune_runs(), pytest.raises(KeyboardInterrupt):
        stop("the disk is full")
    stop("another")
    assert stop.reason == "the disk is full"


LOST_TERMINAL = """
import os, signal, sys
from study.execution.stopping import Interrupts
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
with Interrupts("the command"):
    os.close(2)  # nothing can be written to a terminal that has closed
    try:
        signal.raise_signal(signal.SIGHUP)
        print("runs on")
    except KeyboardInterrupt:
        signal.raise_signal(signal.SIGHUP)
        print("in order")
"""


@pytest.mark.parametrize(("how", "words"), [("ssh", "in order\n"), ("nohup", "runs on\n")])
def test_a_closing_terminal_ends_a_study_in_order_whatever_it_repeats(how: str, words: str) -> None:
    """The kernel and the shell both send SIGHUP, and standard error is gone by then."""
    ended = subprocess.run(
        [sys.executable, "-c", LOST_TERMINAL, how], cwd=ROOT, text=True, capture_output=True
    )
    assert (ended.returncode, ended.stdout) == (0, words)
