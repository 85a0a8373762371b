"""A study's own Ray leaves nothing behind, and what is not its own is not touched."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray

from cluster import own_cluster as module
from cluster import ray_private, session
from cluster.own_cluster import OwnCluster, kill_own_cluster, own_cluster

# A child that ignores SIGTERM and has a child of its own, as a raylet has its agents.
_TREE = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ray's folder with this session, another one, and Ray's links to each."""
    for name in ("session_1_7", "session_2_9"):
        (tmp_path / name / "logs").mkdir(parents=True)
        (tmp_path / name / "logs" / "raylet.out").write_text("what went wrong")
    (tmp_path / "session_latest").symlink_to(tmp_path / "session_1_7")
    (tmp_path / "prom.json").symlink_to(tmp_path / "session_2_9" / "prom.json")
    return tmp_path / "session_1_7"


@pytest.fixture
def tree() -> Iterator[psutil.Process]:
    started = subprocess.Popen([sys.executable, "-c", _TREE], stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.readline()
    process = psutil.Process(started.pid)
    members = [process, *process.children(recursive=True)]
    yield process
    for member in members:
        if member.is_running():
            member.kill()
    started.wait()


@pytest.fixture(autouse=True)
def _without_ray(monkeypatch: pytest.MonkeyPatch, folder: Path, tree: psutil.Process) -> None:
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray_private, "session_path", lambda: folder)
    monkeypatch.setattr(ray_private, "started_processes", lambda: [tree])
    monkeypatch.setattr(module, "_GRACE_S", 0.2)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    _, left = psutil.wait_procs(processes, 5)
    return [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def others_are_there(folder: Path) -> bool:
    links = [path.name for path in folder.parent.iterdir() if path.is_symlink()]
    return links == ["prom.json"] and (folder.parent / "session_2_9" / "logs").exists()


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_every_process_and_the_folder_are_gone_after_the_end(
    folder: Path, tree: psutil.Process, error: type[BaseException] | None
) -> None:
    members = [tree, *tree.children(recursive=True)]
    assert len(members) == 2
    try:
        with own_cluster():
            if error:
                raise error
    except KeyboardInterrupt:
        pass
    assert alive(members) == []
    assert not folder.exists()
    assert others_are_there(folder)


def test_after_a_fault_the_logs_stay_and_are_named(
    folder: Path, tree: psutil.Process, capsys: pytest.CaptureFixture[str]
) -> None:
    members = [tree, *tree.children(recursive=True)]
    with pytest.raises(RuntimeError), own_cluster():
        raise RuntimeError("the study failed")
    assert alive(members) == []
    assert capsys.readouterr().err == f"Ray's logs of this study stay in {folder / 'logs'}\n"
    assert (folder / "logs" / "raylet.out").exists()
    with own_cluster() as cluster:
        cluster.keep_logs = True  # what the command sets when its exit code is 1
    assert (folder / "logs" / "raylet.out").exists()


def test_a_second_signal_ends_everything_at_once(folder: Path, tree: psutil.Process) -> None:
    members = [tree, *tree.children(recursive=True)]
    with own_cluster():
        kill_own_cluster()
        assert alive(members) == []
        assert not folder.exists()
    assert others_are_there(folder)
    kill_own_cluster()  # without a cluster: nothing


def test_an_agent_that_has_outlived_its_parent_is_ended(folder: Path, tree: psutil.Process) -> None:
    (agent,) = tree.children()
    with own_cluster():
        tree.kill()
        assert alive([tree]) == []
        assert agent.is_running()
    assert alive([agent]) == []


def test_a_number_that_another_process_has_by_now_is_not_ended(
    folder: Path, tree: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil.Process, "is_running", lambda _: False)
    OwnCluster(folder, [tree]).kill()
    monkeypatch.undo()
    assert tree.is_running()


def test_an_attached_cluster_is_left_as_it_is(
    folder: Path, tree: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    monkeypatch.setattr(session, "_attach", lambda **options: None)
    with session.ray_session(0) as own:
        assert own is None
        kill_own_cluster()
    assert tree.is_running()
    assert (folder / "logs").exists()
