"""A trial's checkpoint folder.

It holds the training state, a few predictions to look at, the counts of every validation image, and
a note with the epoch's result and the hashes of the other files and of the note itself.
"""

import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables import proof
from trainables.proof import DamageError
from trainables.training import predictions, snapshots
from trainables.training.predictions import NO_MAPS, StoredPredictions, TaskMaps

STATE, PREDICTIONS, COUNTS = "state.pt", "predictions.npz", "counts.npz"
NOTE = "checkpoint.json"
_HASHES, _OWN_HASH = "files", "proof"
_OLD_HASH = "sha256"
"""The state's hash in notes of older versions, which had no others."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose note is as it was written; each file is checked when it is read."""

    folder: Path
    epoch: int
    changes: dict[str, int] = field(default_factory=dict)
    """Config fields that were changed for the trial to run (``--on-oom halve``)."""
    result: dict[str, Any] = field(default_factory=dict)
    """The trial's result of this epoch."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """By file name; checkpoints of older versions have only the state's."""

    @property
    def has_state(self) -> bool:
        """Whether the file is there; its content is not checked."""
        return (self.folder / STATE).exists()

    def state(self) -> bytes:
        """The training state. Raises DamageError if it is not what was written, or is gone."""
        if not self.has_state:
            path = self.folder / STATE
            raise DamageError(
                f"{path}: missing: removed when the study no longer needed it, or lost"
            )
        return self._read(STATE)

    def counts(self) -> bytes:
        """The content of the counts file. Raises DamageError if it is not what was written."""
        return self._read(COUNTS)

    def predictions(self) -> StoredPredictions:
        """What was predicted for the first images of the validation list.

        Raises:
            DamageError: the file is not what was written.
        """
        content = self._read(PREDICTIONS)
        try:
            return predictions.unpack(content)
        except ValueError as error:
            raise DamageError(f"{self.folder / PREDICTIONS}: damaged: {error}") from None

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        return (
            proof.read_proven(path, self.hashes[name]) if name in self.hashes else proof.read(path)
        )

    def check(self, *, without_state: bool = False) -> None:
        """Read every file that has a hash. Raises DamageError, which names the first bad one.

        Args:
            without_state: whether the state may be missing, since ``strip`` removed it.
        """
        for name in self.hashes:
            try:
                self._read(name)
            except DamageError:
                if not without_state or name != STATE or self.has_state:
                    raise


def trial_folder(root: Path, number: int) -> Path:
    """The folder of a trial's checkpoints."""
    return root / f"trial-{number:04d}"


def folder_of(trial_folder: Path, epoch: int) -> Path:
    """The folder of one epoch's checkpoint."""
    return trial_folder / f"checkpoint_{epoch:06d}"


def write(
    folder: Path,
    epoch: int,
    state: bytes,
    predicted: Iterable[NDArray[np.uint8]],
    counts: bytes,
    changes: Mapping[str, int] | None = None,
    result: Mapping[str, Any] | None = None,
    task_predictions: TaskMaps = NO_MAPS,
) -> None:
    """Write a checkpoint completely or not at all.

    Args:
        predicted: labels (H,W) of each of the first validation images.
        counts: the content of a counts file.
        task_predictions: the maps of the same images by further task.
    """
    packed = predictions.pack(predicted, task_predictions)
    files = {STATE: state, COUNTS: counts, PREDICTIONS: packed}
    note: dict[str, object] = {
        "epoch": epoch,
        "changes": dict(changes or {}),
        "result": dict(result or {}),
        _HASHES: {name: proof.sha256(content) for name, content in files.items()},
    }
    text = json.dumps({**note, _OWN_HASH: _hash_of(json.loads(json.dumps(note)))})
    proof.write_folder(folder, {**files, NOTE: text.encode()})


def _hash_of(note: Mapping[str, object]) -> str:
    """The hash of a note as it is read back, whatever the order of its keys."""
    return proof.sha256(json.dumps(note, sort_keys=True).encode())


def strip(
    trial_folders: list[Path], epoch: int, *, networks: Collection[int], results: bool
) -> None:
    """Remove what an ended trial no longer needs; what cannot be removed stays.

    Args:
        epoch: the one that the trial is measured by.
        networks: the epochs whose networks are still needed.
        results: whether the measured epoch's predictions and counts are, and the snapshots.
    """
    if not results:
        snapshots.remove(trial_folders)
    for trial_folder in trial_folders:
        needed = {folder_of(trial_folder, each) for each in networks}
        for folder in trial_folder.glob("checkpoint_*"):
            if folder in needed:
                continue
            if not results or folder != folder_of(trial_folder, epoch):
                shutil.rmtree(folder, ignore_errors=True)
            else:
                with suppress(OSError):
                    (folder / STATE).unlink(missing_ok=True)


def read(folder: Path) -> Checkpoint:
    """The checkpoint in a folder, all of whose files are as they were written.

    Raises:
        DamageError: it is missing, incomplete or damaged; the message names the file.
    """
    found = read_note(folder)
    found.check()
    return found


def read_note(folder: Path) -> Checkpoint:
    """The checkpoint in a folder; its other files are checked when they are read.

    Raises:
        DamageError: the note is missing or damaged.
    """
    path = folder / NOTE
    text = proof.read(path)
    try:
        note = json.loads(text)
        hashes = {STATE: note[_OLD_HASH]} if _OLD_HASH in note else note[_HASHES]
        if _OLD_HASH not in note and _hash_of(_without_hash(note)) != note[_OWN_HASH]:
            raise DamageError(f"{path}: damaged: its content is not what was written")
        changes = note.get("changes", {})
        return Checkpoint(folder, int(note["epoch"]), changes, note["result"], hashes)
    except DamageError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DamageError(f"{path}: damaged: not a checkpoint's note") from None


def _without_hash(note: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in note.items() if name != _OWN_HASH}


def latest(trial_folders: list[Path], at_most: int | None = None) -> Checkpoint | None:
    """The undamaged checkpoint of the highest epoch, up to and including ``at_most`` if given.

    A training may continue from an earlier epoch than its last: it then runs the lost ones again.
    Where the result of one epoch is needed, use ``of_epoch``.
    """
    for found in _by_epoch(trial_folders):
        if at_most is None or found.epoch <= at_most:
            try:
                found.check()
            except DamageError:
                continue
            return found
    return None


def undamaged(trial_folders: list[Path], epoch: int) -> Checkpoint | None:
    """The checkpoint of one epoch; None if there is none, or every one is damaged."""
    found = latest(trial_folders, at_most=epoch)
    return found if found is not None and found.epoch == epoch else None


def of_epoch(trial_folders: list[Path], epoch: int) -> Checkpoint:
    """The checkpoint of one epoch; its files are checked when they are read.

    Raises:
        DamageError: there is none, or it is damaged; the message names the file.
    """
    for found in _by_epoch(trial_folders):
        if found.epoch == epoch:
            return found
    names = {folder_of(folder, epoch) for folder in trial_folders}
    for path in sorted(path for path in names if path.exists()):
        read_note(path)  # raises: its note is damaged, or is of another epoch
        raise DamageError(f"{path / NOTE}: must be of epoch {epoch}, is of another")
    where = trial_folders[-1] if trial_folders else Path("tune")
    raise DamageError(f"{folder_of(where, epoch)}: missing")


def _by_epoch(trial_folders: list[Path]) -> list[Checkpoint]:
    """All checkpoints with a good note, the newest epoch and attempt first."""
    found = []
    for trial_folder in trial_folders:
        for folder in sorted(trial_folder.glob("checkpoint_*")):
            try:
                found.append(read_note(folder))
            except DamageError:
                continue
    return sorted(reversed(found), key=lambda checkpoint: -checkpoint.epoch)
