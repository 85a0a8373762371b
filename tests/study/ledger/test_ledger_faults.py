"""The ledger on full disks, after any cut, and with its lanes' events in any order."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from study.execution.interrupted import continue_after, interrupted_trials
from study.ledger import end_mark
from study.ledger.errors import LedgerError, StorageError
from study.ledger.events import Ended, Finished, Resumed, TrialFailed
from study.ledger.ledger import Ledger, read
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.search.optuna_search import LedgerSearch
from tests.study import fake
from tests.study.ledger.test_ledger import content
from tests.study.search.next_trial import next_trial
from tests.trainables.fake_checkpoint import write_checkpoint


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk until ``leave`` bytes are free."""
    room = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(b"x" * max(room.f_bavail * room.f_bsize - leave, 0))
    return filler


def test_a_full_disk_leaves_complete_lines_and_the_study_continues_when_there_is_room(
    small_disk: Path,
) -> None:
    plan = fake.plan(small_disk)
    ledger = fake.begin(plan)
    filler = fill(small_disk, leave=4096)  # tmpfs allocates pages of 4 KB
    with pytest.raises(StorageError, match=r"ledger\.jsonl cannot be written: No space left"):
        play(ledger, plan, [(number, "go") for number in range(8)] * 9, checkpoints=False)
    assert not read(ledger.path)[1]  # no incomplete line
    with pytest.raises(StorageError, match="No space left"):
        ledger.append(Ended())
    known = content(ledger.record)
    ledger.close()
    filler.unlink()
    opened = Ledger(ledger.path)
    assert content(opened.record) == known
    opened.append(Ended())
    opened.close()
    assert Ledger(ledger.path).record.ended


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["write", "fsync", "ftruncate"])
def test_a_write_that_fails_half_way_is_undone_or_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    before, known = ledger.path.read_bytes(), content(ledger.record)
    real = os.write

    def half(file: int, line: bytes) -> int:
        if len(line) < 30:
            raise OSError(number, os.strerror(number))
        return real(file, line[: len(line) // 2])

    def refuse(*given: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        if call != "fsync":
            patch.setattr("study.ledger.ledger.os.write", half)
        if call != "write":
            patch.setattr(f"study.ledger.ledger.os.{call}", refuse)
        with pytest.raises(StorageError, match=os.strerror(number)):
            ledger.append(Finished(trial=0, state="complete"))
    with pytest.raises(StorageError, match=os.strerror(number)):
        ledger.append(Ended())
    if call != "ftruncate":
        assert ledger.path.read_bytes() == before
    assert content(Ledger(ledger.path).record) == known
    assert ledger.path.read_bytes() == before


def test_a_study_killed_in_its_first_write_can_be_started_again(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    folder = StudyFolder.of(plan)
    folder.path.mkdir()
    folder.ledger.write_text('{"event":"planned","ti')
    folder.require_new()
    with pytest.raises(LedgerError, match="never started; start it again"):
        folder.load()
    fake.begin(plan)
    with pytest.raises(ValueError, match="must be new"):
        folder.require_new()


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 1, 3, 7]),
        st.sampled_from(["go", "go", "go", "go", "go", "unsaved", "fail"]),
    ),
    max_size=30,
)
"""Moves of trials, in the order of their lanes; an epoch may end without a checkpoint."""


def play(ledger: Ledger, plan: Plan, moves: list[tuple[int, str]], checkpoints: bool) -> None:
    """Append each move as its trial's next event."""
    for number, move in moves:
        trial = ledger.record.trials.get(number)
        if trial is None:
            trial = fake.start(ledger, plan, number)
        elif trial.state != "running":
            continue
        elif move == "fail":
            ledger.append(TrialFailed(trial=number, kind="x", message="m", traceback=""))
        elif trial.has_all_epochs:
            ledger.append(Finished(trial=number, state="complete"))
        else:
            epoch = trial.last_epoch + 1
            fake.epoch(ledger, trial, epoch)
            if checkpoints and move != "unsaved":
                attempt = StudyFolder.of(plan).tune / "attempt-1"
                write_checkpoint(attempt / f"trial-{number:04d}/checkpoint_{epoch:06d}", epoch)


@settings(max_examples=15, deadline=None)
@given(moves=steps, share=st.floats(0, 1))
@example(moves=[(0, "go")] * 5, share=1.0)
@example(moves=[(0, "go"), (0, "go"), (0, "unsaved")], share=1.0)
def test_any_interleaving_cut_anywhere_resumes_with_each_trial_once_and_no_epoch_twice(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, str]], share: float
) -> None:
    """The resume planner: what had ended stays, what ran continues from its last checkpoint."""
    plan = fake.plan(tmp_path_factory.mktemp("resume"))
    uncut = fake.begin(plan)
    play(uncut, plan, moves, checkpoints=True)
    lines = uncut.path.read_bytes()
    first = lines.index(b"\n") + 1
    uncut.path.write_bytes(lines[: first + int(share * (len(lines) - first))])
    end_mark.path_of(uncut.path).unlink()  # as if it was killed before it wrote the rest

    ledger = Ledger(uncut.path)
    before = {number: trial.state for number, trial in ledger.record.trials.items()}
    interrupted = interrupted_trials(ledger, StudyFolder.of(plan))
    ledger.append(Resumed(continue_after=continue_after(interrupted)))
    for trial in interrupted:
        # A checkpoint's folder ends with the six digits of its epoch.
        known = ledger.record.trials[trial.number]
        assert known.last_epoch == (0 if not trial.resume_from else int(trial.resume_from[-6:]))
        assert before[trial.number] == "running"
        assert known.last_epoch < fake.EPOCHS
    handed_out = hand_out_all(ledger, interrupted)
    assert sorted(handed_out) == sorted(set(handed_out))
    final = {n for n, trial in ledger.record.trials.items() if trial.state != "running"}
    assert set(handed_out) | final == set(range(plan.trials))
    assert not set(handed_out) & final
    for number, state in before.items():
        assert state == "running" or ledger.record.trials[number].state == state


def hand_out_all(ledger: Ledger, interrupted: list[InterruptedTrial]) -> list[int]:
    """The numbers of the trials that the search hands out, until it has no more."""
    search = LedgerSearch(ledger.record, fake.SPACE, interrupted, lambda params: dict(params))
    numbers: list[int] = []
    while spec := next_trial(search, f"t{len(numbers)}"):
        numbers.append(spec.number)
    return numbers


@settings(max_examples=30, deadline=None)
@given(moves=steps)
def test_an_opened_ledger_is_the_written_one_and_no_order_of_lanes_changes_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, str]]
) -> None:
    plan, after_another = (fake.plan(tmp_path_factory.mktemp("order")) for _ in range(2))
    ledger, sorted_ledger = fake.begin(plan), fake.begin(after_another)
    play(ledger, plan, moves, checkpoints=False)
    play(sorted_ledger, after_another, sorted(moves, key=lambda move: move[0]), checkpoints=False)
    assert content(Ledger(ledger.path).record) == content(ledger.record)
    assert content(ledger.record) == content(sorted_ledger.record)
