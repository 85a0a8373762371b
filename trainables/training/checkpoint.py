"""A trial's checkpoint folder.

It holds the training state, a few predictions to look at, the counts of every validation image, and
a note with the epoch's result and the hash that proves the state complete.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATE, PREDICTIONS, COUNTS = "state.pt", "predictions.npz", "counts.npz"
NOTE = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a note, whose state has the hash in that note."""

    folder: Path
    epoch: int
    changes: dict[str, int] = field(default_factory=dict)
    """Config fields that were changed for the trial to run (``--on-oom halve``)."""
    result: dict[str, Any] = field(default_factory=dict)
    """The trial's result of this epoch."""

    def state(self) -> bytes:
        return (self.folder / STATE).read_bytes()

    def predictions(self) -> NDArray[np.uint8]:
        """(P,H,W) labels predicted for the first images of the validation list."""
        with np.load(self.folder / PREDICTIONS, allow_pickle=False) as saved:
            predicted: NDArray[np.uint8] = saved["predictions_PHW"]
        return predicted


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
    predictions_PHW: NDArray[np.uint8],
    counts: bytes,
    changes: Mapping[str, int] | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint completely or not at all. ``counts`` is the content of a counts file."""
    # A process may die at any line: only the rename makes the folder visible to ``latest``.
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    (draft / STATE).write_bytes(state)
    (draft / COUNTS).write_bytes(counts)
    np.savez_compressed(draft / PREDICTIONS, predictions_PHW=predictions_PHW)
    note = {
        "epoch": epoch,
        "sha256": hashlib.sha256(state).hexdigest(),
        "changes": dict(changes or {}),
        "result": dict(result or {}),
    }
    (draft / NOTE).write_text(json.dumps(note))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def keep_last(trial_folder: Path, count: int) -> None:
    """Remove all checkpoints except the newest ``count``."""
    for folder in sorted(trial_folder.glob("checkpoint_*"))[:-count]:
        shutil.rmtree(folder, ignore_errors=True)


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint in a folder, or None if it is missing, incomplete or damaged."""
    try:
        note = json.loads((folder / NOTE).read_text())
        state = (folder / STATE).read_bytes()
        if hashlib.sha256(state).hexdigest() != note["sha256"]:
            return None
        return Checkpoint(folder, int(note["epoch"]), note.get("changes", {}), note["result"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def latest(trial_folders: list[Path], at_most: int | None = None) -> Checkpoint | None:
    """The complete checkpoint of the highest epoch, up to and including ``at_most`` if given."""
    found = [
        checkpoint
        for trial_folder in trial_folders
        for folder in sorted(trial_folder.glob("checkpoint_*"))
        if (checkpoint := read(folder)) is not None
        and (at_most is None or checkpoint.epoch <= at_most)
    ]
    return max(found, key=lambda checkpoint: checkpoint.epoch, default=None)
