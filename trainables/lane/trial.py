"""Tune's side of one trial: a class trainable whose steps are epochs on a warm lane.

With ``reuse_actors=True`` Tune hands this object from one trial to the next; the lane stays up.
"""

import shutil
from pathlib import Path
from time import monotonic
from typing import Any

import ray
from ray import tune

from trainables.lane.failures import DIVERGED, LANE, MEMORY, halved
from trainables.lane.idle_timer import IdleTimer
from trainables.lane.lane import Lane, LaneDied, LaneRestarted
from trainables.lane.mailbox import Epoch, Failed, LaneSettings, Save, Start
from trainables.training import checkpoint

_GROUPS_AN_EPOCH = 5
"""Worker groups that may die in one epoch before it is the trial that kills them."""
_IDLE_S = 20.0
"""Tune keeps an actor for trials that may never come. Without one its lane gives its workers back:
lanes that lost a machine, or another study, may wait for them."""
_KEPT = 2
"""Checkpoints of a trial: the newest may be cut off."""
_LOST = (LaneRestarted, LaneDied, ray.exceptions.ObjectLostError)
"""What an answer of the lane may be lost with; the epoch is then done again."""


class Trial(tune.Trainable):
    """One trial after the other on one lane.

    Tune's config holds ``number``; ``config``, the flat trial config; and ``resume_from``, a
    checkpoint folder or "". A result is one epoch whose checkpoint is written; one with a
    ``failure`` ends the trial without ending the lane, and one with ``changes`` ran a config with
    these fields changed.
    """

    lane: Lane | None = None
    lane_name = ""

    def setup(self, config: dict[str, Any], settings: LaneSettings | None = None) -> None:
        assert settings is not None
        self.settings = settings
        self.rest = IdleTimer(self._give_back, _IDLE_S)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        """Take over a trial. The lane learns of it with its first epoch."""
        self.flat: dict[str, Any] = config["config"]
        self.changes: dict[str, int] = {}
        self.state: Any = None
        self.epoch = 0
        self.wait_s: float | None = None
        self.started = False
        self.begun = monotonic()
        root = Path(self.settings.checkpoints)
        self.folder = checkpoint.trial_folder(root, config["number"])
        self.untold: dict[str, Any] | None = None
        if (own := checkpoint.latest([self.folder])) is not None:
            self._continue_from(own)
            self.untold = own.result  # this actor's forerunner may have died before it was told
        elif folder := config["resume_from"]:
            saved = checkpoint.read(Path(folder))
            if saved is None:
                raise RuntimeError(f"checkpoint {folder} is missing or damaged")
            self._continue_from(saved)

    def _continue_from(self, saved: checkpoint.Checkpoint) -> None:
        self.state, self.epoch = ray.put(saved.state()), saved.epoch
        self._change(saved.changes)

    def _change(self, changes: dict[str, int]) -> None:
        self.changes = changes
        self.flat = {**self.flat, **changes}
        self.started = False

    def step(self) -> dict[str, Any]:
        """One epoch and its checkpoint; from the last one when the worker group died."""
        if (untold := self.untold) is not None:
            self.untold = None
            return untold
        with self.rest.interrupted():
            answer = self._epoch_on_some_lane()
            if isinstance(answer, Failed) and answer.kind == MEMORY and self._halve():
                answer = self._epoch_on_some_lane()
            result = self._result(answer)
            if "failure" not in result:
                self._save(result)
            return result

    def _epoch_on_some_lane(self) -> dict[str, Any] | Failed:
        for _ in range(_GROUPS_AN_EPOCH):
            try:
                return self._ask_epoch()
            except _LOST as error:
                self._forget(error)
                last = error
            if isinstance(last, LaneRestarted) and last.shortage:
                return Failed(MEMORY, last.shortage, "")
        died = f"{_GROUPS_AN_EPOCH} worker groups died in epoch {self.epoch + 1}"
        return Failed(LANE, f"{died}; the last: {last}", "")

    def _ask_epoch(self) -> dict[str, Any] | Failed:
        """From the last checkpoint, unless the lane has the trial already."""
        self.wait_s = None
        if not self.started:
            answer = self._lane().ask(Start(self.flat, self.state))
            if isinstance(answer, Failed):
                return answer
            self.started = True
            self.wait_s = monotonic() - self.begun
        epoch: dict[str, Any] | Failed = self._lane().ask(Epoch())
        return epoch

    def _forget(self, error: Exception) -> None:
        """What the lane had not saved; and the lane itself, if it died."""
        self.started = False
        if isinstance(error, LaneDied):
            self._give_back()

    def _halve(self) -> bool:
        """Begin again with half the images at once, if that is wanted, possible and new."""
        changes = halved(self.flat, self.settings.workers)
        if self.settings.on_oom != "halve" or self.changes or not changes:
            return False
        self.state, self.epoch = None, 0
        shutil.rmtree(self.folder, ignore_errors=True)
        self._change(changes)
        return True

    def _lane(self) -> Lane:
        if self.lane is None:
            self.lane = Lane(self.settings)
            self.lane_name = self.lane.name
        return self.lane

    def _give_back(self) -> None:
        """End the lane; the next step starts another."""
        if self.lane is not None:
            self.lane.close()
        self.lane, self.started = None, False

    def _result(self, answer: dict[str, Any] | Failed) -> dict[str, Any]:
        if isinstance(answer, Failed):
            return self._failure(answer)
        if "diverged" in answer:
            return self._failure(Failed(DIVERGED, answer["diverged"], ""))
        self.epoch = answer["epoch"]
        more: dict[str, Any] = {"changes": self.changes} if self.changes else {}
        if self.wait_s is not None:
            more["start_s"] = self.wait_s
        return {
            **answer["metrics"],
            "epoch": self.epoch,
            "lane": self.lane_name,
            "train_s": answer["train_s"],
            "evaluate_s": answer["evaluate_s"],
            "system": answer["system"],
            "done": self.epoch >= self.flat["epochs"],
            **more,
        }

    def _failure(self, failed: Failed) -> dict[str, Any]:
        self.started = False
        failure = {"kind": failed.kind, "message": failed.message, "traceback": failed.traceback}
        return {"failure": failure, "epoch": self.epoch, "lane": self.lane_name, "done": True}

    def _save(self, result: dict[str, Any]) -> None:
        """Ask rank 0 for its state and write it. Not by Tune's own checkpoints: they would be one
        more task an epoch, and a result that the ledger knows might have none."""
        saved = self._saved()
        self.state = ray.put(saved["state"])  # put again: it must outlive the worker that made it
        checkpoint.write(
            checkpoint.folder_of(self.folder, self.epoch),
            self.epoch,
            saved["state"],
            saved["predictions"],
            saved["counts"],
            self.changes,
            result,
        )
        checkpoint.keep_last(self.folder, _KEPT)

    def _saved(self) -> dict[str, Any]:
        """What rank 0 has; the group may end after an epoch and before: it is done again."""
        for _ in range(_GROUPS_AN_EPOCH):
            try:
                answer = None if self.started else self._ask_epoch()
                saved = answer if isinstance(answer, Failed) else self._lane().ask(Save())
                if isinstance(saved, Failed):
                    raise RuntimeError(f"{saved.message}\n{saved.traceback}")
                return {**saved, "state": ray.get(saved["state"])}
            except _LOST as error:
                self._forget(error)
        raise RuntimeError(
            f"{_GROUPS_AN_EPOCH} worker groups died before epoch {self.epoch} was saved"
        )

    def cleanup(self) -> None:
        self.rest.end()
        self._give_back()
