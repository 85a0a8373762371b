"""The state of a stage's training that is not finished, beside the stage's file.

It is written completely or not at all, and used only if it has the hash with which it was written.
"""

import io
from pathlib import Path
from time import monotonic
from typing import Any, TypedDict

import torch
from torch import Tensor

from trainables import proof
from trainables.stages.result import CurveState

EVERY_S = 60.0
"""Seconds of training between two writes."""


class StageState(TypedDict):
    """A stage's network, and all that decides its steps to come."""

    step: int
    seconds: float
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    """As torch names it."""
    generator: Tensor
    curve: CurveState


class Unfinished:
    """Where the training of one stage continues after its process has died."""

    def __init__(self, path: Path, every_s: float = EVERY_S) -> None:
        """``path`` is of a file that one process at a time writes: the holder of the lock."""
        self.path, self._every_s, self._last = path, every_s, monotonic()

    def read(self) -> StageState | None:
        """What was written last; None where there is nothing, or nothing that can be trusted."""
        if not self.path.is_file():
            return None
        try:
            archive = proof.unseal(proof.read(self.path), self.path)
        except proof.DamageError:
            return None  # trained from the start
        found: StageState = torch.load(io.BytesIO(archive), map_location="cpu", weights_only=True)
        return found

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return monotonic() - self._last >= self._every_s

    def write(self, state: StageState) -> None:
        """Replace what was written before."""
        archive = io.BytesIO()
        torch.save(state, archive)
        proof.write(self.path, proof.seal(archive.getvalue()))
        self._last = monotonic()

    def remove(self) -> None:
        """Delete it: the stage's file has been written."""
        self.path.unlink(missing_ok=True)
