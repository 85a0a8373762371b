"""What a trial and the ranks of its lane say to each other, and the actor that carries it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import ray


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


@ray.remote(num_cpus=0)
class Mailbox:
    """Carries one command at a time to every rank, and rank 0's answer back."""

    def __init__(self) -> None:
        self.generation = 0
        self.number = 0
        self.command: Command | None = None
        self.replied: tuple[int, Any] | None = None
        self.shortage = ""
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

    async def short_of_memory(self, message: str) -> None:
        """Ray killed a worker of the present group because its machine ran out of memory."""
        self.shortage = message

    async def take_shortage(self) -> str:
        """What was said of the group that was lost, once; "" if nothing was."""
        said, self.shortage = self.shortage, ""
        return said

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
    checkpoints: str = ""
    """Folder (shared by all nodes) with a folder of checkpoints a trial."""
    study: str = ""
    """Marks the stages that this study trains: its name and when it began."""
    on_oom: Literal["fail", "halve"] = "fail"
    """What a trial does that ran out of memory: fail, or once begin again with half the images at
    once and twice as many turns a step."""
    data: Any = None
    """(DataConfig, reference to its Dataset): decoded once, read by every worker without a copy."""
    parts: Any = None
    """``Parts``: a user's own file, installed on every rank."""
