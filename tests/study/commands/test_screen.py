"""A study outlives its terminal: closed, full, or never there."""

import errno
import io
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from study.commands import report
from study.commands.screen import Screen, outlived
from study.reporting.terminal.progress import LiveProgress
from tests.study import fake

ROOT = Path(__file__).resolve().parents[3]
RUN = f"{sys.executable} study/run.py"
DRY = f"{RUN} --space region --dry-run --set data/height=32 --set data/width=48 --set model/width=4"


class Broken(io.StringIO):
    """A file that takes a few letters and then fails, as a lost terminal or a full disk does."""

    def __init__(self, error: Exception, letters: int, terminal: bool) -> None:
        super().__init__()
        self._error, self._letters, self._terminal = error, letters, terminal

    def write(self, text: str) -> int:
        if self.tell() + len(text) > self._letters:
            raise self._error
        return super().write(text)

    def isatty(self) -> bool:
        return self._terminal


ERRORS = [
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ENOSPC, "No space left on device"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    ValueError("I/O operation on closed file"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("letters", [0, 200])
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_a_ledger_is_complete_though_its_progress_cannot_be_printed(
    tmp_path: Path, error: Exception, letters: int, terminal: bool
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    screen = Screen(Broken(error, letters, terminal))
    console = Console(file=screen, force_terminal=terminal, width=140)  # type: ignore[arg-type]
    progress = LiveProgress(console, ledger.record.copy(), tmp_path)
    ledger.listeners.append(progress)
    with progress:
        for number in range(3):
            fake.complete(ledger, plan, number)
        fake.fail(ledger, plan, 3)
        console.print("the end")
    assert len(ledger.record.trials) == 4
    assert screen.lost


BLOCKED = """
import sys
from study.commands.screen import outlived, stop_waiting
from study.execution.stopping import _say
with outlived():
    stop_waiting()
    for number in range(20_000):
        print(f"progress {number} " + "x" * 80)
    print("failed", file=sys.stderr)
    _say("a signal")
    print("the result")
sys.exit(3)
"""


def blocked_pipe() -> tuple[int, int]:
    """A pipe that nobody reads."""
    return os.pipe()


def stopped_terminal() -> tuple[int, int]:
    """A terminal on which somebody typed Ctrl-S."""
    master, slave = pty.openpty()
    os.write(master, b"\x13")
    return master, slave


def test_a_screen_that_takes_nothing_does_not_stop_a_study() -> None:
    """The study stood still until somebody typed Ctrl-Q."""
    ends = [blocked_pipe(), stopped_terminal()]
    begin = time.monotonic()
    started = [
        subprocess.Popen([sys.executable, "-c", BLOCKED], cwd=ROOT, stdout=writer, stderr=writer)
        for _, writer in ends
    ]
    assert [one.wait(60) for one in started] == [3, 3]
    assert time.monotonic() - begin < 45
    for end in (end for both in ends for end in both):
        os.close(end)


def test_once_it_is_read_again_the_last_lines_arrive_and_the_oldest_progress_is_lost() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        screen = Screen(stream)
        screen.stop_waiting()
        begin = time.monotonic()
        for number in range(20_000):
            print(f"progress {number} " + "x" * 80, file=screen)
        print("the result", file=screen)
        assert time.monotonic() - begin < 5
        taken: list[bytes] = []
        reading = threading.Thread(
            target=lambda: taken.extend(iter(lambda: os.read(reader, 65536), b""))
        )
        reading.start()
        screen.close()
    reading.join(timeout=10)
    os.close(reader)
    text = b"".join(taken)
    assert text.endswith(b"the result\n")
    assert 500 < text.count(b"progress ") < 5000
    assert not screen.lost


def test_a_burst_on_a_screen_that_is_read_loses_nothing(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        screen = Screen(stream)
        screen.stop_waiting()
        for number in range(50_000):
            print(number, file=screen)
        screen.close()
    assert (tmp_path / "log").read_text() == "".join(f"{number}\n" for number in range(50_000))


def test_a_ledger_does_not_wait_for_a_blocked_screen(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        screen = Screen(stream)
        screen.stop_waiting()
        print("x" * 100_000, file=screen)  # more than a pipe holds
        console = Console(file=screen, force_terminal=True, width=140)  # type: ignore[arg-type]
        progress = LiveProgress(console, ledger.record.copy(), tmp_path)
        ledger.listeners.append(progress)
        begin = time.monotonic()
        with progress:
            for number in range(3):
                fake.complete(ledger, plan, number)
            fake.fail(ledger, plan, 3)
            time.sleep(1.2)  # the table is drawn in a thread of its own
        assert time.monotonic() - begin < 10
        assert len(ledger.record.trials) == 4
        os.close(reader)
        screen.close()
    assert screen.lost


def test_letters_that_the_encoding_lacks_are_replaced() -> None:
    taken = io.BytesIO()
    screen = Screen(io.TextIOWrapper(taken, encoding="ascii"))
    print("Lovász", file=screen)
    screen.flush()
    assert taken.getvalue() == b"Lov?sz\n"


def test_what_can_be_printed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with outlived():
        print("out")
        print("err", file=sys.stderr)
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("out\n", "err\n")


def test_a_report_is_written_without_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.ended_study(fake.plan(tmp_path))
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Broken(ERRORS[0], 0, terminal=False))
    assert report.main(["fake", "--storage", str(tmp_path)]) == 0
    assert (tmp_path / "fake" / "report" / "report.md").exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"{RUN} --help >&-", 0),
        (f"{RUN} --help >&- 2>&- <&-", 0),
        (f"{RUN} --list >/dev/full", 0),
        pytest.param(
            f"{RUN} --list | head -n 1 >/dev/null; exit ${{PIPESTATUS[0]}}",
            0,
            marks=pytest.mark.slow,
        ),
        (f"{RUN} --space nothing 2>&-", 2),
        (f"{RUN} --space nothing 2>/dev/full", 2),
        pytest.param(
            f"{DRY} --storage $STORAGE --tracking-uri "
            f"sqlite:///$STORAGE/m.db | head -n 2 >/dev/null; exit ${{PIPESTATUS[0]}}",
            0,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_exit_code_is_as_if_all_was_printed(tmp_path: Path, command: str, code: int) -> None:
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "STORAGE": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
