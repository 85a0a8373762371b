"""For real: a study twice is the same to the bit, on one lane or two, interrupted or not."""

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
    """All of them in their order, times and places aside."""
    return [
        {name: value for name, value in event.items() if name not in ASIDE}
        for event in read(StudyFolder(storage / "again").ledger)[0]
    ]


def asked(storage: Path, lanes: int) -> list[str]:
    """Every time in a storage of its own, its stage included."""
    return study(storage, "again", *LENGTH, "--lanes", str(lanes))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("first")
    run(asked(storage, 1))
    return storage


def loaded(storage: Path) -> StudyRecord:
    return StudyFolder(storage / "again").load()


def test_the_same_study_twice_is_the_same_ledger(first: Path, tmp_path: Path) -> None:
    run(asked(tmp_path, 1))
    assert events(tmp_path) == events(first)


def test_two_lanes_find_what_one_does(first: Path, tmp_path: Path) -> None:
    run(asked(tmp_path, 2))
    assert content(loaded(tmp_path)) == content(loaded(first))
    assert winner_tested(loaded(tmp_path)) == winner_tested(loaded(first))
    assert (
        len(
            {
                event["lane"]
                for event in read(StudyFolder(tmp_path / "again").ledger)[0]
                if event["event"] == "epoch"
            }
        )
        == 2
    )


def interrupted(arguments: list[str], ledger: Path, epochs: int, *signals: int) -> str:
    """Send the signals, half a second apart, once so many epochs are known; what was said."""
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
        said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 130, said
    assert Study(driver, mark).left_behind() == []
    assert read(ledger)[1] == b""
    assert "to resume: python study/run.py --resume again" in said
    return said


def test_terminated_then_interrupted_twice_and_resumed_it_is_the_same(
    first: Path, tmp_path: Path
) -> None:
    """Slurm's and Kubernetes' signal ends it in order; a second Ctrl-C at once."""
    ledger, resume = StudyFolder(tmp_path / "again").ledger, command(tmp_path, "--resume", "again")
    said = interrupted(asked(tmp_path, 2), ledger, 2, signal.SIGTERM)
    assert "ending: closing lanes" in said
    assert "ended at once" not in said
    done = ledger.read_text().count('"event":"epoch"')
    said = interrupted(resume, ledger, done + 2, signal.SIGINT, signal.SIGINT)
    assert "ended at once" in said
    run(resume)
    promises.ledger_is_whole(tmp_path / "again", loaded(first))
    promises.nothing_is_locked(tmp_path)
