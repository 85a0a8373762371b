"""A full disk, whatever Ray makes of it: one line, and the command to resume."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.exceptions import RayTaskError
from ray.tune import TuneError

from study.commands import run_study
from study.execution import stopping
from study.execution.stopping import STOPPED, Stop, storage_fault, storage_faults_stop
from study.ledger.errors import StorageError
from study.ledger.study_folder import StudyFolder
from tests.study import fake
from tests.study.commands.test_end_of_study import closed as closed  # a fixture
from tests.study.commands.test_end_of_study import end

FULL = OSError(errno.ENOSPC, "No space left on device", "tune/state.json")


def wrapped(outer: Exception, inner: Exception) -> Exception:
    """What ``raise outer from inner`` raises."""
    outer.__cause__ = inner
    return outer


RAISED = [
    FULL,
    OSError(errno.EROFS, "Read-only file system"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    StorageError("ledger.jsonl cannot be written: No space left on device"),
    wrapped(TuneError("The Ray Tune run failed."), FULL),
    wrapped(TuneError("failed"), wrapped(RuntimeError("in a callback"), FULL)),
    TuneError(
        "Traceback (most recent call last): ...\nOSError: [Errno 28] No space left on device"
    ),
    RayTaskError("f", "OSError: [Errno 28] No space left on device", FULL),
]


@pytest.mark.parametrize("error", RAISED, ids=range(len(RAISED)))
def test_every_form_of_a_full_disk_is_one_line(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(StorageError, match="cannot be written") as raised:
        with storage_faults_stop(tmp_path, Stop()):
            raise error
    assert "\n" not in str(raised.value)


def test_an_error_over_an_empty_file_of_ray_is_the_full_disk_that_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's result grid unpickles an ``error.pkl`` that could not be written."""
    monkeypatch.setattr(stopping, "refusal", lambda folder: FULL)
    with pytest.raises(StorageError, match="No space left"):
        with storage_faults_stop(tmp_path, Stop()):
            raise EOFError("Ran out of input")


def test_an_error_after_the_reason_to_stop_is_dropped_and_another_one_is_not(
    tmp_path: Path,
) -> None:
    stopped = Stop()
    stopped.reason = "the disk is full"
    with storage_faults_stop(tmp_path, stopped):
        raise EOFError("Ran out of input")
    with pytest.raises(ZeroDivisionError), storage_faults_stop(tmp_path, Stop()):
        raise ZeroDivisionError("a fault of ours")
    assert list(tmp_path.iterdir()) == []
    assert storage_fault(ZeroDivisionError()) == ""


@pytest.mark.parametrize(
    ("error", "line", "traceback"),
    [
        (wrapped(TuneError("failed"), FULL), "No space left on device", False),
        (ZeroDivisionError("a fault\nof ours"), "ZeroDivisionError: a fault of ours", True),
    ],
    ids=["a full disk", "a fault"],
)
def test_an_unexpected_end_still_closes_mlflow_and_says_how_to_resume(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    closed: list[object],
    error: Exception,
    line: str,
    traceback: bool,
) -> None:
    def fail() -> None:
        raise error

    plan = fake.plan(tmp_path)
    monkeypatch.setattr(run_study, "Execution", lambda *of: SimpleNamespace(run=fail))
    assert end(plan, fake.begin(plan)) == STOPPED
    output = capsys.readouterr()
    assert output.err.splitlines()[-1].startswith("study/run.py: stopped: ")
    assert line in output.err.splitlines()[-1]
    assert ("Traceback" in output.err) == traceback
    assert "run.py --resume fake" in output.out
    assert len(closed) == 1


def test_drafts_of_an_earlier_attempt_are_removed(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "fake")
    kept = folder.tune / "attempt-1" / "trial-0000" / "checkpoint_000001"
    drafts = [kept.with_name(".checkpoint_000002"), folder.path / "pictures" / "test.draft"]
    for path in (kept, *drafts):
        path.mkdir(parents=True)
        (path / "state.pt").write_text("half")
    counts = folder.path / "counts" / "trial-0000.test.draft"
    counts.parent.mkdir()
    counts.write_text("half")
    folder.remove_drafts()
    assert kept.exists()
    assert not any(path.exists() for path in (*drafts, counts))
