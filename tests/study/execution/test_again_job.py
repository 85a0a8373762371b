"""A study on a real Ray gives the same bits twice, on one lane or two, interrupted or not."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from tests.chaos import promises
from tests.chaos.victims import MARK, Study
from tests.study.execution.test_main_job import (
    ROOT,
    command,
    environment,
    run,
    study,
    winner_tested,
)
from tests.study.ledger.test_ledger import content

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

ASIDE = ("time", "seconds", "train_s", "evaluate_s", "lane", "system")
LENGTH = ("--trials", "3", "--epochs", "8")
"""Long enough to be interrupted in the middle."""


def events(storage: Path) -> list[dict[str, Any]]:
    """The ledger's events in order, without times and places."""
    return [
        {name: value for name, value in event.items() if name not in ASIDE}
        for event in read(StudyFolder(storage / "again").ledger)[0]
    ]


def again_command(storage: Path, lanes: int) -> list[str]:
    """The study's command; a storage of its own makes it train its own stage."""
    return study(storage, "again", *LENGTH, "--lanes", str(lanes))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("first")
    run(again_command(storage, 1))
    return storage


def record_in(storage: Path) -> StudyRecord:
    return StudyFolder(storage / "again").load()


def test_the_same_study_twice_gives_the_same_ledger(first: Path, tmp_path: Path) -> None:
    run(again_command(tmp_path, 1))
    assert events(tmp_path) == events(first)


def test_two_lanes_find_what_one_does(first: Path, tmp_path: Path) -> None:
    run(again_command(tmp_path, 2))
    assert content(record_in(tmp_path)) == content(record_in(first))
    assert winner_tested(record_in(tmp_path)) == winner_tested(record_in(first))
    ledger, _ = read(StudyFolder(tmp_path / "again").ledger)
    lanes = {event["lane"] for event in ledger if event["event"] == "epoch"}
    assert len(lanes) == 2


def interrupt(arguments: list[str], ledger: Path, epochs: int, *signals: int) -> str:
    """Run the command, send the signals once the ledger holds ``epochs``; return the output."""
    mark = f"{ledger}-{time.monotonic_ns()}"
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env={**environment(), MARK: mark, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as driver:
        deadline = time.monotonic() + 300
        while not ledger.exists() or ledger.read_text().count('"event":"epoch"') < epochs:
            assert driver.poll() is None, driver.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for number in signals:
            os.kill(driver.pid, number)
            time.sleep(0.5)
        output, _ = driver.communicate(timeout=120)
    assert driver.returncode == 130, output
    assert Study(driver, mark).left_behind() == []
    assert read(ledger)[1] == b""
    assert "study/run.py --resume again" in output
    return output


def test_terminated_then_interrupted_twice_and_resumed_it_is_the_same(
    first: Path, tmp_path: Path
) -> None:
    """SIGTERM, which Slurm and Kubernetes send, ends it in order; a second Ctrl-C at once."""
    ledger, resume = StudyFolder(tmp_path / "again").ledger, command(tmp_path, "--resume", "again")
    output = interrupt(again_command(tmp_path, 2), ledger, 2, signal.SIGTERM)
    assert "ending: closing lanes" in output
    assert "ended at once" not in output
    done = ledger.read_text().count('"event":"epoch"')
    output = interrupt(resume, ledger, done + 2, signal.SIGINT, signal.SIGINT)
    assert "ended at once" in output
    run(resume)
    promises.ledger_is_complete(tmp_path / "again", record_in(first))
    promises.nothing_is_locked(tmp_path)
