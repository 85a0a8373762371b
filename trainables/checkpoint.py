"""A trial's checkpoint folder: the training state, predictions for a person to look at, the counts
of every validation image, and a note that is written last and proves that the rest is whole."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STATE, PREDICTIONS, COUNTS = "state.pt", "predictions.npz", "counts.npz"
NOTE = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose note was found and whose state has the size and hash that the note names."""

    folder: Path
    epoch: int
    changes: dict[str, int] = field(default_factory=dict)
    """Config fields that the trial ran with in place of its own (``--on-oom halve``)."""

    def state(self) -> bytes:
        return (self.folder / STATE).read_bytes()

    def predictions(self) -> NDArray[np.uint8]:
        """(P,H,W) labels predicted for the first images of the validation list."""
        with np.load(self.folder / PREDICTIONS, allow_pickle=False) as saved:
            predicted: NDArray[np.uint8] = saved["predictions_PHW"]
        return predicted


def write(
    folder: Path, epoch: int, state: bytes, predictions_PHW: NDArray[np.uint8], counts: bytes,
    changes: Mapping[str, int] | None = None,
) -> None:  # fmt: skip
    """Fill a folder; the note comes last. ``counts`` is the content of a counts file."""
    (folder / STATE).write_bytes(state)
    (folder / COUNTS).write_bytes(counts)
    np.savez_compressed(folder / PREDICTIONS, predictions_PHW=predictions_PHW)
    digest = hashlib.sha256(state).hexdigest()
    note = {"epoch": epoch, "sha256": digest, "changes": dict(changes or {})}
    (folder / NOTE).write_text(json.dumps(note))


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint in a folder, or None where it is missing, cut off or damaged."""
    try:
        note = json.loads((folder / NOTE).read_text())
        state = (folder / STATE).read_bytes()
        whole = hashlib.sha256(state).hexdigest() == note["sha256"]
        return Checkpoint(folder, int(note["epoch"]), note.get("changes", {})) if whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def latest(trial_folders: list[Path], at_most: int) -> Checkpoint | None:
    """The whole checkpoint of the highest epoch that is not past ``at_most``."""
    found = [
        checkpoint
        for trial_folder in trial_folders
        for folder in sorted(trial_folder.glob("checkpoint_*"))
        if (checkpoint := read(folder)) is not None and checkpoint.epoch <= at_most
    ]
    return max(found, key=lambda checkpoint: checkpoint.epoch, default=None)
