"""A checkpoint proves itself: one changed bit in any of its files is noticed."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.trainables.fake_checkpoint import write_checkpoint
from trainables import proof
from trainables.proof import DamageError
from trainables.training import checkpoint

FILES = (checkpoint.STATE, checkpoint.PREDICTIONS, checkpoint.COUNTS, checkpoint.NOTE)


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """A trial's folder with the checkpoints of its two last epochs."""
    for epoch in (3, 4):
        write_checkpoint(tmp_path / f"checkpoint_{epoch:06d}", epoch, batch=2)
    return tmp_path


def test_it_is_read_as_it_was_written(trial: Path) -> None:
    found = checkpoint.of_epoch([trial], 4)
    found.check()
    assert (found.epoch, found.changes) == (4, {"batch": 2})
    assert found.state() == b"state after epoch 4"
    assert found.counts() == b"counts"
    assert [map_HW.shape for map_HW in found.predictions().labels] == [(2, 2)]


@pytest.mark.parametrize("name", FILES)
def test_no_flipped_bit_is_accepted(trial: Path, name: str) -> None:
    path = trial / "checkpoint_000004" / name
    whole = path.read_bytes()
    for bit in np.random.default_rng(0).permutation(8 * len(whole))[:60].tolist():
        flip(path, bit)
        with pytest.raises(DamageError, match=rf"checkpoint_000004/{name}: ") as refused:
            checkpoint.of_epoch([trial], 4).check()
        assert "\n" not in str(refused.value)
        newest = checkpoint.latest([trial])
        assert newest is not None
        assert newest.epoch == 3, "a training continues from the epoch before"
        path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["empty", "missing"])
def test_an_empty_or_missing_file_is_named(trial: Path, name: str, how: str) -> None:
    path = trial / "checkpoint_000004" / name
    path.write_bytes(b"") if how == "empty" else path.unlink()
    with pytest.raises(DamageError, match=rf"checkpoint_000004/{name}: "):
        checkpoint.of_epoch([trial], 4).check()


def test_only_the_asked_epoch_will_do(trial: Path) -> None:
    with pytest.raises(DamageError, match="checkpoint_000005: missing"):
        checkpoint.of_epoch([trial], 5)


def test_a_file_that_changes_after_the_check_is_noticed(trial: Path) -> None:
    found = checkpoint.read(trial / "checkpoint_000004")
    flip(found.folder / checkpoint.STATE, 9)
    with pytest.raises(DamageError, match=r"state\.pt: damaged"):
        found.state()


def test_a_checkpoint_of_an_older_version_proves_its_state_alone(trial: Path) -> None:
    folder = trial / "checkpoint_000004"
    note = json.loads((folder / checkpoint.NOTE).read_text())
    state = (folder / checkpoint.STATE).read_bytes()
    old = {"epoch": 4, "sha256": proof.sha256(state), "changes": {}, "result": note["result"]}
    (folder / checkpoint.NOTE).write_text(json.dumps(old))
    assert checkpoint.read(folder).state() == state
    flip(folder / checkpoint.STATE, 9)
    with pytest.raises(DamageError, match=r"state\.pt: damaged"):
        checkpoint.read(folder)


def test_everything_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_fsync, real_rename = proof.os.fsync, Path.rename

    def fsync(handle: int) -> None:
        done.append("synced")
        real_fsync(handle)

    def rename(path: Path, target: Path) -> Path:
        done.append("renamed")
        return real_rename(path, target)

    monkeypatch.setattr(proof.os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    write_checkpoint(tmp_path / "checkpoint_000001", 1)
    assert done == ["synced"] * (len(FILES) + 1) + ["renamed", "synced"]
