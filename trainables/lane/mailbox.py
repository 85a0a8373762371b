"""The messages between a trial and its lane's ranks, and the actor that carries them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import ray

from trainables.config import DataConfig, Value
from trainables.training.batch_fit import CONTEXT_MIB
from trainables.training.iterations import Iterations

if TYPE_CHECKING:  # torch and numpy take seconds to import, and only a rank needs them
    import numpy as np
    from numpy.typing import NDArray

    from trainables.plugin import Plugin
    from trainables.training.predictions import TaskMaps

A_co = TypeVar("A_co", covariant=True)
"""What a rank answers to a command, unless its trial fails."""


@dataclass(frozen=True)
class EpochResult:
    """An answer: one epoch, trained and evaluated."""

    epoch: int
    metrics: dict[str, float]
    """Of all ranks together."""
    train_s: float
    evaluate_s: float
    system: dict[str, float]
    """As ``Usage.sample`` gives it."""
    iterations: Iterations
    held: dict[str, Value] = field(default_factory=dict)
    """By config path, what losses, optimiser and stages have used so far, with its values."""


@dataclass(frozen=True)
class Diverged:
    """An answer: the loss was not finite. Every rank sees it, so the worker group stays sound."""

    message: str


@dataclass(frozen=True)
class Saved:
    """An answer: what a checkpoint holds."""

    state: ray.ObjectRef
    """Bytes in the object store, owned by rank 0."""
    predictions: "tuple[NDArray[np.uint8], ...]"
    """Labels (H,W) of each of the first validation images; none where nothing segments."""
    counts: bytes
    """The content of a counts file."""
    task_predictions: "TaskMaps"
    """The maps of the same images by further task."""


class Command(Generic[A_co]):
    """A command to every rank."""


@dataclass(frozen=True)
class Start(Command[int]):
    """Build a trial and answer with the epoch that it continues after."""

    config: dict[str, Value]
    """The complete config, by path."""
    checkpoint: ray.ObjectRef | None = None
    """The bytes of the state to continue from."""


@dataclass(frozen=True)
class Epoch(Command[EpochResult | Diverged]):
    """Train one epoch and evaluate."""


@dataclass(frozen=True)
class Save(Command[Saved | None]):
    """Answer with what a checkpoint holds; ranks other than 0 answer None."""


@dataclass(frozen=True)
class Close(Command[None]):
    """Leave the loop: the worker group ends."""


AnswerState = Literal["done", "waiting", "restarted"]


@ray.remote(num_cpus=0)  # it mostly waits, and must not take a CPU from the workers
class Mailbox:
    """Carries one command at a time to every rank, and rank 0's answer back."""

    def __init__(self) -> None:
        self.generation = 0
        self.number = 0
        self.command: Command[object] | None = None
        self.replied: tuple[int, object] | None = None
        self.shortage = ""
        self.changed = asyncio.Condition()

    async def open(self) -> int:
        """Start a generation for a new worker group; commands to older ones are void."""
        async with self.changed:
            self.generation += 1
            self.command = self.replied = None
            self.changed.notify_all()
            return self.generation

    async def post(self, command: Command[object], generation: int) -> int | None:
        """Give the group a command; return its number, or None if a newer group is up."""
        async with self.changed:
            if generation != self.generation:
                return None
            # Numbers never restart, so a late reply cannot be mistaken for one to a newer command.
            self.number += 1
            self.command, self.replied = command, None
            self.changed.notify_all()
            return self.number

    # Every wait ends on a change of generation, too: a rank or a trial of a lost group must not
    # wait forever.

    async def take(self, generation: int, after: int) -> tuple[int, Command[object]] | None:
        """Wait for the command after number ``after``; None if a newer group is up."""
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

    async def reply(self, generation: int, number: int, answer: object) -> None:
        """Store the first reply to the current command; drop later ones and those of old groups."""
        async with self.changed:
            if (generation, number) == (self.generation, self.number) and self.replied is None:
                self.replied = (number, answer)
                self.changed.notify_all()

    async def answer(
        self, generation: int, number: int, patience_s: float
    ) -> tuple[AnswerState, object]:
        """Wait for the reply: ("done", answer), ("waiting", None) after ``patience_s`` seconds, or
        ("restarted", None) if a newer group is up."""
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
        """Note that Ray killed a worker of the group because its machine ran out of memory."""
        self.shortage = message

    async def take_shortage(self) -> str:
        """Return the note on the lost group, or "", and forget it."""
        message, self.shortage = self.shortage, ""
        return message

    async def wait_open(self, newer_than: int, patience_s: float) -> int | None:
        """The generation once it is newer than this one, or None after ``patience_s``."""
        async with self.changed:
            try:
                await asyncio.wait_for(
                    self.changed.wait_for(lambda: self.generation > newer_than), patience_s
                )
            except TimeoutError:
                return None
            return self.generation


@dataclass(frozen=True)
class SharedData:
    """A dataset in the object store: decoded once, and read by every worker without a copy."""

    config: DataConfig
    reference: ray.ObjectRef
    """To its ``Dataset``."""


@dataclass(frozen=True)
class LaneSettings:
    """What every lane of a study has in common. All folders are shared by all nodes."""

    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    storage: str
    """Folder for Ray Train's own state."""
    stages: str
    """Folder with the stages' files."""
    checkpoints: str = ""
    """Folder with one folder of checkpoints per trial."""
    objective: tuple[str, str] = ("", "max")
    """The metric that ranks, and its direction: a trial whose best epoch is tested keeps the
    checkpoint of the epoch that is best by it."""
    study: str = ""
    """Marks the stages that this study trains: its name and start time."""
    on_oom: Literal["fail", "halve"] = "fail"
    """What a trial that ran out of memory does: fail, or restart once with half the batch and
    twice the accumulation."""
    data: SharedData | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    """By file of initial weights, the name of its content when the study began."""
    gpu_context_mib: float = CONTEXT_MIB
    """What a rank takes of its GPU beside PyTorch's pool."""
    plugin: "Plugin | None" = None
    """Installed on every rank."""
