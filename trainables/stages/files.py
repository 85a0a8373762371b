"""Files of trained stages: written completely or not at all, checked, by one process at a time."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor

from trainables import proof
from trainables.config import Value
from trainables.stages.unfinished import Unfinished

_RECORD_FIELDS = ("study", "seconds", "quality", "curve", "remade")
_FIELDS = {"key", "classes", "state", *_RECORD_FIELDS}


@dataclass(frozen=True)
class StageRecord:
    """What a study reports of a trained stage."""

    kind: str
    key: str
    study: str
    """The study that trained it, named as in ``LaneSettings.study``."""
    seconds: float
    quality: dict[str, float]
    curve: list[float] = field(default_factory=list)
    remade: bool = False
    """Whether there was a file that could not be used."""


@dataclass(frozen=True)
class SavedStage:
    """What a stage's file holds: the record, and the network's weights."""

    record: StageRecord
    classes: int
    state: dict[str, Tensor]
    fields: dict[str, Value] = field(default_factory=dict)
    """The config fields that decide its network; none in files of older versions."""


def parsed(kind: str, content: bytes, path: Path) -> SavedStage:
    """What a stage's file holds.

    Args:
        kind: of the stage.
        content: of the file.
        path: the file's, for the error.

    Raises:
        DamageError: it is not what was written, or no stage's file.
    """
    archive = proof.unseal(content, path)
    found = torch.load(io.BytesIO(archive), map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or not _FIELDS <= found.keys():
        raise proof.DamageError(f"{path}: damaged: it is no stage's file")
    record = StageRecord(kind, found["key"], **{name: found[name] for name in _RECORD_FIELDS})
    return SavedStage(record, found["classes"], found["state"], found.get("fields", {}))


class StageFile:
    """One stage's file in the folder that all studies of a storage share."""

    def __init__(self, folder: Path, kind: str, key: str) -> None:
        self.kind, self.key = kind, key
        self.path = folder / f"{kind}-{key}.pt"
        self._progress = folder / f"{kind}-{key}.progress"
        self.unfinished = Unfinished(folder / f"{kind}-{key}.unfinished")
        """The state of its training, of the kinds that can continue."""

    def lock(self) -> FileLock:
        """The lock of the process that trains it. The system releases it when that process dies."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.path}.lock")

    def read(self) -> SavedStage | None:
        """The saved stage, or None where there is no file, or one that cannot be trusted.

        All later studies of a storage use the same file, so it is used only if it has the hash
        with which it was written.
        """
        if not self.path.is_file():
            return None
        try:
            saved = parsed(self.kind, proof.read(self.path), self.path)
        except proof.DamageError:
            return None  # trained again
        return saved if saved.record.key == self.key else None

    def record(self) -> StageRecord | None:
        """The record of the saved stage; None where ``read`` has none."""
        saved = self.read()
        return None if saved is None else saved.record

    def write(self, saved: SavedStage) -> None:
        """Write all of the file or nothing. Call it with the lock held."""
        for left in self.path.parent.glob(f"*{self.path.stem}.*.draft"):
            left.unlink()  # from a process that died while it wrote
        content = {
            "key": self.key,
            "classes": saved.classes,
            "state": saved.state,
            "fields": saved.fields,
        }
        for name in _RECORD_FIELDS:
            content[name] = getattr(saved.record, name)
        archive = io.BytesIO()
        torch.save(content, archive)
        proof.write(self.path, proof.seal(archive.getvalue()))
        self._progress.unlink(missing_ok=True)
        self.unfinished.remove()

    def report_progress(self, share: float) -> None:
        """Write the completed share of the training, for other processes to read."""
        self._progress.write_text(f"{share:.3f}")

    def progress(self) -> float | None:
        """The completed share of its training; None if no process trains it."""
        try:
            return float(self._progress.read_text())
        except (FileNotFoundError, ValueError):  # not started, or read while it was written
            return None
