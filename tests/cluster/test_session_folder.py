"""Where Ray's session goes, and what a user reads if it cannot start."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from cluster import session, session_folder
from cluster.preflight.check import Needs
from cluster.preflight.checks import local_checks
from tests.cluster.own_ray import environment, study
from tests.conftest import ROOT


@pytest.fixture
def short() -> Iterator[Path]:
    """A short folder; pytest's own have long names."""
    with tempfile.TemporaryDirectory(prefix="e", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)


def only(monkeypatch: pytest.MonkeyPatch, *places: Path) -> None:
    """Leave no other places to choose."""
    monkeypatch.setattr(session_folder, "_short_places", lambda: iter(places))


@pytest.mark.parametrize("name", ["RAY_TMPDIR", "TMPDIR"])
def test_a_long_folder_is_replaced_by_a_short_one(
    name: str, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, short)
    monkeypatch.setenv(name, f"/{'x' * 119}")
    found = session_folder.find_folder()
    assert found.base == short
    assert found.problem.startswith(f"{name} /xxx")
    assert "is too long for a Unix socket (120 letters, at most " in found.problem
    with session_folder.session_folder() as folder:
        assert folder is not None
        assert Path(folder).parent == short
        assert os.environ["TMPDIR"] == folder
        assert folder not in tempfile.gettempdir()
    assert not Path(folder).exists()
    assert os.environ.get(name) == f"/{'x' * 119}"


def test_without_any_folder_one_line_says_which_variable_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch)
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 100)))
    needs = Needs(tmp_path, f"sqlite:///{tmp_path}/m.db", (), (), 0)
    check = next(check for check in local_checks(needs) if check.name == "Ray's folder")
    assert check.verdict == "fail"
    assert "set RAY_TMPDIR to a folder that can be written" in check.remedy
    with pytest.raises(ValueError, match="set RAY_TMPDIR to a folder"), session.ray_session(0):
        pass


def test_a_folder_that_cannot_be_written_is_replaced(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/proc/1")
    only(monkeypatch, short)
    found = session_folder.find_folder()
    assert found.base == short
    assert "TMPDIR /proc/1 cannot be written (" in found.problem


def test_a_full_disk_is_replaced(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    monkeypatch.setattr(session_folder, "_FREE_BYTES", 2**70)
    monkeypatch.setenv("RAY_TMPDIR", str(short))
    found = session_folder.find_folder()
    assert found.base is None
    assert "is full (" in found.problem


def test_ray_chooses_where_its_folder_is_good(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(short))
    monkeypatch.setenv("TMPDIR", f"/{'x' * 100}")
    with session_folder.session_folder() as folder:
        assert folder is None
        assert os.environ["TMPDIR"] == str(short)
    assert os.environ["TMPDIR"] == f"/{'x' * 100}"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("validate_socket_filename failed: AF_UNIX path length"), "RAY_TMPDIR to a folder"),
        (PermissionError(13, "Permission denied", "/tmp/ray"), "a folder that can be written"),
        (OSError(28, "No space left on device"), "free the disk"),
        (ValueError("The configured object store size exceeds /dev/shm size"), "docker --shm-size"),
        (OSError(98, "Address already in use"), "start again"),
        (Exception("The current node timed out during startup."), "the machine is busy"),
        (
            Exception("\nThe last 20 lines of a.log:\n  File x\nEOFError: unexpected EOF"),
            "EOFError",
        ),
        (RuntimeError("Version mismatch:\n  Ray: 2.9\n  Python: 3.12"), "the same versions"),
        (Exception(), "no message; start again; with --verbose"),
    ],
)
def test_what_ray_raises_at_its_start_is_one_line(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise error

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(ValueError, match="Ray must start, got") as caught, session.ray_session(0):
        pass
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_workers_get_the_users_paths_without_modules_that_shadow_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = os.pathsep.join(["", ".", "/elsewhere", str(ROOT)])
    monkeypatch.setenv("PYTHONPATH", given)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    (tmp_path / "queue.csv").touch()
    assert session._given_paths() == [str(tmp_path), "/elsewhere"]
    (tmp_path / "queue.py").touch()
    assert session._given_paths() == ["/elsewhere"]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_study_runs_with_a_long_tmpdir(tmp_path: Path) -> None:
    long = tmp_path / ("x" * (119 - len(str(tmp_path))))
    long.mkdir()
    done = subprocess.run(
        study(tmp_path, "a", trials=1, epochs=1),
        cwd=ROOT,
        env={**environment(), "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "is too long for a Unix socket (120 letters" in done.stdout
    assert "Traceback" not in done.stderr
    assert sys.executable in done.stdout
