"""A lane: one Ray Train worker group that stays up and runs trials back to back.

Starting a worker group costs 15 to 30 s, a trial on a laptop often less. So the group is started
once, its workers obey commands, and a trial is a few of them: start, epoch, epoch, ..., start.

    Trial (Tune's actor) -- Lane.ask --> Mailbox (async actor) <-- worker.work (each rank)

When a worker dies Ray Train starts the whole group again. Its rank 0 opens a new *generation* of
the mailbox; whoever waits for an answer of the old one learns that it is lost.
"""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig

_POLL_S = 5.0
_START_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Start:
    """Build a trial from its flat config; ``checkpoint`` (bytes in the object store) continues."""

    config: dict[str, Any]
    checkpoint: Any = None


@dataclass(frozen=True)
class Epoch:
    """Train one epoch and evaluate."""


@dataclass(frozen=True)
class Save:
    """Answer with what a checkpoint holds; its state as a reference into the object store."""


@dataclass(frozen=True)
class Close:
    """Leave the loop: the worker group ends."""


Command = Start | Epoch | Save | Close


@dataclass(frozen=True)
class Failed:
    """An answer: the trial raised. The lane itself is sound, or about to be again."""

    kind: str
    message: str
    traceback: str


class LaneRestarted(Exception):
    """The worker group died and is back: what it had not saved is gone."""


class LaneDied(Exception):
    """Ray Train gave up on the worker group."""


@ray.remote(num_cpus=0)
class Mailbox:
    """Carries one command at a time to every rank, and rank 0's answer back."""

    def __init__(self) -> None:
        self.generation = 0
        self.number = 0
        self.command: Command | None = None
        self.replied: tuple[int, Any] | None = None
        self.changed = asyncio.Condition()

    async def open(self) -> int:
        """A new worker group is up; commands of older ones are void."""
        async with self.changed:
            self.generation += 1
            self.command = self.replied = None
            self.changed.notify_all()
            return self.generation

    async def post(self, command: Command, generation: int) -> int | None:
        """Give a command to the group. None if it is not the group the caller knows."""
        async with self.changed:
            if generation != self.generation:
                return None
            self.number += 1
            self.command, self.replied = command, None
            self.changed.notify_all()
            return self.number

    async def take(self, generation: int, after: int) -> tuple[int, Command] | None:
        """The next command for a rank that has done number ``after``. None: the group is old."""
        async with self.changed:
            await self.changed.wait_for(
                lambda: (
                    generation != self.generation
                    or (self.command is not None and self.number > after)
                )
            )
            if generation != self.generation or self.command is None:
                return None
            return self.number, self.command

    async def reply(self, generation: int, number: int, answer: Any) -> None:
        """The first reply to the current command counts; one from an old group does not."""
        async with self.changed:
            if (generation, number) == (self.generation, self.number) and self.replied is None:
                self.replied = (number, answer)
                self.changed.notify_all()

    async def answer(self, generation: int, number: int, patience_s: float) -> tuple[str, Any]:
        """("done", answer), ("waiting", None) after a while, or ("restarted", None)."""
        async with self.changed:
            try:
                await asyncio.wait_for(
                    self.changed.wait_for(
                        lambda: generation != self.generation or self.replied is not None
                    ),
                    patience_s,
                )
            except TimeoutError:
                return "waiting", None
            if generation != self.generation or self.replied is None:
                return "restarted", None
            return "done", self.replied[1]

    async def wait_open(self, newer_than: int, patience_s: float) -> int | None:
        """The generation once it is newer than this one, or None after a while."""
        async with self.changed:
            try:
                await asyncio.wait_for(
                    self.changed.wait_for(lambda: self.generation > newer_than), patience_s
                )
            except TimeoutError:
                return None
            return self.generation


@dataclass(frozen=True)
class LaneSettings:
    """What every lane of a study has in common."""

    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    storage: str
    """Folder (shared by all nodes) for Ray Train's own state."""
    stages: str
    """Folder (shared by all nodes) with the stages' files."""
    data: Any = None
    """(DataConfig, reference to the Dataset): decoded once, read by every worker without a copy."""


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
        from ray.train.torch import TorchTrainer

        from trainables.worker import work

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
