"""A lane: one Ray Train worker group that stays up and runs trials back to back.

Starting a worker group costs 15 to 30 s, a trial on a laptop often less. So the group is started
once, its workers obey commands, and a trial is a few of them: start, epoch, epoch, ..., start.

    Trial (Tune's actor) -- Lane.ask --> Mailbox (async actor) <-- worker.work (each rank)

When a worker dies Ray Train starts the whole group again. Its rank 0 opens a new *generation* of
the mailbox; whoever waits for an answer of the old one learns that it is lost.
"""

import threading
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from trainables.mailbox import Close, Command, LaneSettings, Mailbox
from trainables.worker import work

_POLL_S = 5.0


class LaneRestarted(Exception):
    """The worker group died and is back: what it had not saved is gone."""


class LaneDied(Exception):
    """Ray Train gave up on the worker group."""


class Lane:
    """The trial's end of a worker group. Not thread-safe; one trial at a time."""

    def __init__(self, name: str, settings: LaneSettings) -> None:
        self.name = name
        self.mailbox: Any = Mailbox.remote()  # type: ignore[attr-defined]
        self.generation = 0
        self._end: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(settings,), daemon=True)
        self._thread.start()

    def _run(self, settings: LaneSettings) -> None:
        """Own the worker group until it is closed; a dead worker means the group is made anew."""
        resources = {"CPU": settings.cpus_per_worker}
        if settings.gpus_per_worker:
            resources["GPU"] = settings.gpus_per_worker
        trainer = TorchTrainer(
            work,
            train_loop_config={"mailbox": self.mailbox, "settings": settings},
            scaling_config=ScalingConfig(
                num_workers=settings.workers,
                use_gpu=settings.gpus_per_worker > 0,
                resources_per_worker=resources,
                placement_strategy="PACK",
            ),
            run_config=RunConfig(
                name=self.name,
                storage_path=settings.storage,
                failure_config=FailureConfig(max_failures=-1),
            ),
        )
        try:
            trainer.fit()
        except BaseException as error:  # handed to whoever asks next
            self._end = error

    def ask(self, command: Command) -> Any:
        """Have every rank obey, and wait for the answer.

        Raises:
            LaneRestarted: the group died before it answered; a new one is up.
            LaneDied: there will be no group any more.
        """
        if self.generation == 0:
            self._await_group()
        number = ray.get(self.mailbox.post.remote(command, self.generation))
        state, answer = ("restarted", None) if number is None else ("waiting", None)
        while state == "waiting":
            self._check_alive()
            state, answer = ray.get(self.mailbox.answer.remote(self.generation, number, _POLL_S))
        if state == "restarted":
            self._await_group()
            raise LaneRestarted(self.name)
        return answer

    def _await_group(self) -> None:
        """Wait until a group newer than the known one is up."""
        generation = None
        while generation is None:
            self._check_alive()
            generation = ray.get(self.mailbox.wait_open.remote(self.generation, _POLL_S))
        self.generation = generation

    def _check_alive(self) -> None:
        if not self._thread.is_alive():
            raise LaneDied(f"{self.name}: {self._end or 'its worker group ended'}")

    def close(self, patience_s: float = 15.0) -> None:
        """End the worker group and wait for Ray to have its resources back."""
        if self._thread.is_alive() and self.generation:
            ray.get(self.mailbox.post.remote(Close(), self.generation))
            self._thread.join(patience_s)
        ray.kill(self.mailbox)
