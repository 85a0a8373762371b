"""The files of stages: whole or not at all, proved to be the right ones, one maker at a time."""

import os
import pickle
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor

_RECORD_FIELDS = ("study", "seconds", "quality", "curve")
_FIELDS = {"key", "classes", "state", *_RECORD_FIELDS}


@dataclass(frozen=True)
class StageRecord:
    """What a study reports of a trained stage."""

    kind: str
    key: str
    study: str
    """Which study trained it; ``LaneSettings.study`` says how one is named."""
    seconds: float
    quality: dict[str, float]
    curve: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class SavedStage:
    """What a stage's file holds: the record, and the network's weights."""

    record: StageRecord
    classes: int
    state: dict[str, Tensor]


class StageFile:
    """One stage's place in the folder that all studies of a storage share."""

    def __init__(self, folder: Path, kind: str, key: str) -> None:
        self.kind, self.key = kind, key
        self.path = folder / f"{kind}-{key}.pt"
        self._progress = folder / f"{kind}-{key}.progress"

    def lock(self) -> FileLock:
        """Held by whoever makes it. The system lets go of it when that process dies."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.path}.lock")

    def read(self) -> SavedStage | None:
        """The saved stage, or None where there is no file, or one that cannot be trusted."""
        if not self.path.is_file():
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
            return None  # incomplete or damaged: trained again
        if not isinstance(content, dict) or not _FIELDS <= content.keys():
            return None
        if content["key"] != self.key:
            return None
        record = StageRecord(
            self.kind, self.key, **{name: content[name] for name in _RECORD_FIELDS}
        )
        return SavedStage(record, content["classes"], content["state"])

    def record(self) -> StageRecord | None:
        """The record of the saved stage; None where ``read`` has none."""
        saved = self.read()
        return None if saved is None else saved.record

    def write(self, saved: SavedStage) -> None:
        """Write all of the file or nothing. Call it with the lock held."""
        for left in self.path.parent.glob(f"{self.path.stem}.*.draft"):
            left.unlink()  # from a process that died while it wrote
        draft = self.path.with_suffix(f".{os.getpid()}.draft")
        content = {"key": self.key, "classes": saved.classes, "state": saved.state}
        for name in _RECORD_FIELDS:
            content[name] = getattr(saved.record, name)
        with draft.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self._progress.unlink(missing_ok=True)

    def tell(self, share: float) -> None:
        """Say what share of its training is done, for others to read."""
        self._progress.write_text(f"{share:.3f}")

    def progress(self) -> float | None:
        """The share that its training has done; None where nobody is at it."""
        try:
            return float(self._progress.read_text())
        except (FileNotFoundError, ValueError):  # not begun, or read while it was written
            return None
