"""`make cluster-stop` ends the process that `make cluster` started, and no other."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cluster import local


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    """A process with a child, as Ray's is; the folder is empty."""
    monkeypatch.chdir(tmp_path)
    child = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    started = subprocess.Popen([sys.executable, "-c", parent])
    process = psutil.Process(started.pid)
    while not process.children():
        assert started.poll() is None
    yield process
    for left in [*process.children(), process] if process.is_running() else []:
        left.kill()
    started.wait()


def note(process: psutil.Process, late_s: float = 0.0) -> None:
    started = process.create_time() + late_s
    local.NOTE.write_text(json.dumps({"pid": process.pid, "started": started}))


def test_the_cluster_and_all_that_it_started_end(sleeper: psutil.Process) -> None:
    note(sleeper)
    members = [sleeper, *sleeper.children()]
    assert local.main(["stop"]) == 0
    _, alive = psutil.wait_procs(members, timeout=10)
    assert alive == []
    assert not local.NOTE.exists()


def test_another_process_that_has_the_number_lives_on(
    sleeper: psutil.Process, capsys: pytest.CaptureFixture[str]
) -> None:
    note(sleeper, late_s=-100)
    assert local.running() is None
    assert local.main(["stop"]) == 0
    assert "no cluster" in capsys.readouterr().out
    assert sleeper.is_running()


def test_a_cluster_that_runs_is_not_started_twice(sleeper: psutil.Process) -> None:
    note(sleeper)
    assert local.main(["start"]) == 2
    assert sleeper.is_running()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x", "started": 1}'])
def test_a_damaged_note_is_no_cluster(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    local.NOTE.write_text(text)
    assert local.running() is None
