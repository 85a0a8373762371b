"""Stages into the ledger as trials make them: what tells of a stage is its file."""

from pathlib import Path
from time import monotonic
from typing import Any

from ray import tune

from study.ledger import Ledger
from trainables.stages import stage_file

_LOOK_EVERY_S = 0.5


class StageWatch(tune.Callback):
    """Records every stage that a trial needs, once, as soon as its file is there."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger: Ledger | None = ledger
        self.folder, self.looked = folder, 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {"_ledger": None, "folder": self.folder, "looked": 0.0}

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if monotonic() - self.looked > _LOOK_EVERY_S:
            self.look()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self.look()  # before its first epoch is written

    def look(self) -> None:
        """Write down what has appeared; reused is what another study has trained."""
        self.looked = monotonic()
        assert self._ledger is not None
        for name in list(self._ledger.record.awaited_stages):
            made = stage_file(name, self.folder).record()
            if made is not None:
                self._ledger.append(
                    "stage", kind=made.kind, key=made.key, seconds=made.seconds,
                    reused=made.study != self._ledger.record.mark, quality=made.quality,
                    curve=made.curve,
                )  # fmt: skip
