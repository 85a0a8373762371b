"""Tune's side of one trial: a class trainable whose steps are epochs on a warm lane.

With ``reuse_actors=True`` Tune hands this object from one trial to the next; the lane stays up.
"""

from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import ray
from ray import tune

from trainables import checkpoint
from trainables.lane import Lane, LaneDied, LaneRestarted
from trainables.mailbox import Epoch, Failed, LaneSettings, Save, Start
from trainables.rest import Rest

_GROUPS_AN_EPOCH = 5
"""Worker groups that may die in one epoch before it is the trial that kills them."""
_IDLE_S = 20.0
"""Tune keeps an actor for trials that may never come. Without one its lane gives its workers back:
lanes that lost a machine, or another study, may wait for them."""


class Trial(tune.Trainable):
    """One trial after the other on one lane.

    Tune's config holds ``number``; ``config``, the flat trial config; and ``resume_from``, a
    checkpoint folder or "". A result is one epoch; one with a ``failure`` ends the trial without
    ending the lane.
    """

    lane: Lane | None = None

    def setup(self, config: dict[str, Any], settings: LaneSettings | None = None) -> None:
        assert settings is not None
        self.settings = settings
        self.rest = Rest(self._give_back, _IDLE_S)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        """Take over a trial. The lane learns of it with its first epoch."""
        self.flat: dict[str, Any] = config["config"]
        self.state: Any = None
        self.epoch = 0
        self.started = self.unsaved = False
        self.begun = monotonic()
        if config["resume_from"]:
            self._continue_from(Path(config["resume_from"]))

    def _continue_from(self, folder: Path) -> None:
        saved = checkpoint.read(folder)
        if saved is None:
            raise RuntimeError(f"checkpoint {folder} is missing or damaged")
        self.state, self.epoch = ray.put(saved.state()), saved.epoch
        self.started = self.unsaved = False

    def step(self) -> dict[str, Any]:
        """One epoch. Repeats it from the last checkpoint when the worker group died."""
        with self.rest.interrupted():
            return self._step()

    def _step(self) -> dict[str, Any]:
        wait_s = None
        for _ in range(_GROUPS_AN_EPOCH):
            try:
                if not self.started:
                    answer = self._lane().ask(Start(self.flat, self.state))
                    if isinstance(answer, Failed):
                        return self._failure(answer)
                    self.started = True
                    wait_s = monotonic() - self.begun
                return self._result(self._lane().ask(Epoch()), wait_s)
            except LaneRestarted:
                self.started = False
            except LaneDied:
                self.lane, self.started = None, False
                raise
        reason = f"{_GROUPS_AN_EPOCH} worker groups died in epoch {self.epoch + 1}"
        return self._failure(Failed("lane", reason, ""))

    def _lane(self) -> Lane:
        if self.lane is None:
            self.lane_name = f"lane-{uuid4().hex[:8]}"
            self.lane = Lane(self.lane_name, self.settings)
        return self.lane

    def _give_back(self) -> None:
        """End the lane; the next step starts another."""
        if self.lane is not None:
            self.lane.close()
        self.lane, self.started = None, False

    def _result(self, answer: dict[str, Any] | Failed, wait_s: float | None) -> dict[str, Any]:
        if isinstance(answer, Failed):
            return self._failure(answer)
        if "diverged" in answer:
            return self._failure(Failed("diverged", answer["diverged"], ""))
        self.epoch, self.unsaved = answer["epoch"], True
        result = {
            **answer["metrics"], "epoch": self.epoch, "lane": self.lane_name,
            "train_s": answer["train_s"], "evaluate_s": answer["evaluate_s"],
            "system": answer["system"],
            "done": self.epoch >= self.flat["epochs"],
        }  # fmt: skip
        return result if wait_s is None else {**result, "start_s": wait_s}

    def _failure(self, failed: Failed) -> dict[str, Any]:
        self.started = self.unsaved = False
        failure = {"kind": failed.kind, "message": failed.message, "traceback": failed.traceback}
        return {"failure": failure, "epoch": self.epoch, "lane": self.lane_name, "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Ask rank 0 for its state and write it where Tune wants it; a failed trial has none."""
        with self.rest.interrupted():
            self._save(Path(checkpoint_dir))

    def _save(self, folder: Path) -> None:
        while self.unsaved:
            try:
                if not self.started:
                    self._repeat_epoch()
                saved = self._lane().ask(Save())
                state: bytes = ray.get(saved["state"])
            except (LaneRestarted, ray.exceptions.OwnerDiedError):
                self.started = False
                continue
            self.unsaved = False
            self.state = ray.put(state)  # put again: it must outlive the worker that made it
            checkpoint.write(folder, self.epoch, state, saved["predictions"], saved["counts"])
            return

    def _repeat_epoch(self) -> None:
        """The group ended after an epoch and before its checkpoint: do that epoch again."""
        self._lane().ask(Start(self.flat, self.state))
        self._lane().ask(Epoch())
        self.started = True

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Tune puts a trial back after its actor died, or (PBT) on another's weights."""
        self._continue_from(Path(checkpoint_dir))

    def cleanup(self) -> None:
        self.rest.end()
        self._give_back()
