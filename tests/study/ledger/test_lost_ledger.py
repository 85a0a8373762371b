"""A study's folder that is deleted, moved, replaced or written by others while the study runs."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from study.commands import run_study
from study.execution.stopping import STOPPED, Policy
from study.ledger.errors import StorageError
from study.ledger.events import Ended, Finished
from study.ledger.ledger import Ledger, read
from study.ledger.study_folder import StudyFolder
from study.reporting import write_report
from tests.study import fake
from tests.study.execution.test_stages import small


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def delete_the_ledger(folder: Path) -> None:
    (folder / "ledger.jsonl").unlink()


def move(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replace_by_a_copy(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)


def replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def append_a_line(folder: Path) -> None:
    with (folder / "ledger.jsonl").open("a") as file:
        file.write("{}\n")


def cut_short(folder: Path) -> None:
    text = (folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").write_bytes(text[:-5])


DAMAGE = [
    delete,
    delete_the_ledger,
    move,
    replace_by_a_copy,
    replace_by_a_file,
    append_a_line,
    cut_short,
]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("opened", ["by an append", "and not written yet"])
def test_no_event_goes_to_a_file_that_is_no_longer_the_ledger(
    tmp_path: Path, damage: Callable[[Path], None], opened: str
) -> None:
    plan = fake.plan(tmp_path)
    folder = StudyFolder.of(plan)
    ledger = fake.begin(plan)
    if opened != "by an append":
        ledger.close()
        ledger = Ledger(folder.ledger)
    assert ledger.lost() == ""
    damage(folder.path)
    left = folder.ledger.read_bytes() if folder.ledger.exists() else None
    seen: list[object] = []
    ledger.listeners.append(seen.append)
    for _ in range(2):
        with pytest.raises(StorageError, match=r"ledger\.jsonl cannot be written: .*then resume"):
            ledger.append(Ended())
    assert "put it back" in ledger.lost()
    assert (seen, ledger.record.ended) == ([], False)
    assert (folder.ledger.read_bytes() if folder.ledger.exists() else None) == left


def test_a_line_that_went_to_a_file_that_was_moved_meanwhile_is_not_taken_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)

    def move_during_the_write(file: int) -> None:
        move(StudyFolder.of(plan).path)

    with monkeypatch.context() as patch:
        patch.setattr("study.ledger.append_file.os.fsync", move_during_the_write)
        with pytest.raises(StorageError, match="it is gone"):
            ledger.append(Ended())
    assert not ledger.record.ended


def test_a_folder_that_was_put_back_goes_on(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger, folder = fake.begin(plan), StudyFolder.of(plan).path
    fake.start(ledger, plan, 0)
    move(folder)
    with pytest.raises(StorageError):
        ledger.append(Finished(trial=0, state="complete"))
    folder.with_name("elsewhere").rename(folder)
    again = Ledger(ledger.path)
    again.append(Finished(trial=0, state="complete"))
    assert len(read(ledger.path)[0]) == 3


def test_a_ledger_that_another_process_created_first_is_not_written(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    second = Ledger(StudyFolder.of(plan).ledger)
    first = fake.begin(plan).path.read_bytes()
    with pytest.raises(StorageError, match="File exists"):
        second.append(Ended())
    assert second.path.read_bytes() == first


@pytest.mark.parametrize("damage", [delete, move, replace_by_a_copy])
@pytest.mark.parametrize("when", ["in a trial", "after the last event"])
def test_a_study_without_its_ledger_ends_with_a_fault_and_the_command_to_resume(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    when: str,
) -> None:
    """It ended with exit code 0 and the path of a ledger that was not there."""
    plan = fake.plan(tmp_path)
    ledger, folder = fake.begin(plan), StudyFolder.of(plan)

    def run() -> None:
        trial = fake.start(ledger, plan, 0)
        if when == "in a trial":
            damage(folder.path)
        fake.epoch(ledger, trial, 1)
        ledger.append(Ended())
        damage(folder.path)

    closed: list[object] = []
    monkeypatch.setattr(run_study, "Execution", lambda *of: SimpleNamespace(run=run))
    monkeypatch.setattr(run_study, "MlflowSink", lambda *of: _Sink(closed))
    monkeypatch.setattr(write_report, "write", lambda *given: pytest.fail("a report was written"))
    monkeypatch.setattr(run_study.StudyRun, "_draw_gallery", lambda *of: None)
    study = run_study.StudyRun(plan, fake.SPACE, small(), ledger, Console(width=140))
    assert study.run(Policy()) == STOPPED
    (line,) = capsys.readouterr().err.splitlines()
    assert "ledger.jsonl cannot be written" in line
    assert f"run.py --resume fake --storage {tmp_path}" in line
    assert closed == [([], None)]


class _Sink:
    """A listener that only notes how it was closed."""

    def __init__(self, closed: list[object]) -> None:
        self._closed = closed

    def __call__(self, event: object) -> None:
        pass

    def close(self, *given: object) -> None:
        self._closed.append(given)


@pytest.mark.parametrize("write", ["write_counts", "mark_outdated"])
def test_other_files_of_a_folder_that_is_gone_name_it_in_one_line(
    tmp_path: Path, write: str
) -> None:
    folder = StudyFolder(tmp_path / "gone")
    with pytest.raises(StorageError, match=r"gone/.* cannot be written: No such file"):
        folder.write_counts(1, b"") if write == "write_counts" else folder.mark_outdated()
    assert not folder.path.exists()
