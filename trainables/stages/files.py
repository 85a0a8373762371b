"""The files of stages: whole or not at all, proved to be the right ones, one maker at a time."""

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock


@dataclass(frozen=True)
class StageRecord:
    """What is told of a stage that is there."""

    kind: str
    key: str
    study: str
    """Which study trained it; ``LaneSettings.study`` says how one is named."""
    seconds: float
    quality: dict[str, float]
    curve: list[float] = field(default_factory=list)


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

    def read(self) -> dict[str, Any] | None:
        """What was saved, or None where there is nothing that can be trusted."""
        if not self.path.is_file():
            return None
        try:
            saved: Any = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
            return None  # cut off or damaged: made again
        whole = {"key", "classes", "state", "study", "seconds", "quality", "curve"}
        if not isinstance(saved, dict) or not whole <= saved.keys() or saved["key"] != self.key:
            return None
        return saved

    def record(self) -> StageRecord | None:
        """What can be told of it; None where it is not there, or not whole."""
        saved = self.read()
        if saved is None:
            return None
        told = {name: saved[name] for name in ("study", "seconds", "quality", "curve")}
        return StageRecord(self.kind, self.key, **told)

    def write(self, content: Mapping[str, Any]) -> None:
        """Whole or not at all. Call it with the lock held."""
        for left in self.path.parent.glob(f"{self.path.stem}.*.draft"):
            left.unlink()  # of a maker that died
        draft = self.path.with_suffix(f".{os.getpid()}.draft")
        with draft.open("wb") as file:
            torch.save({"key": self.key, **content}, file)
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
