"""A lane: one Ray Train worker group that stays up and runs trials back to back.

Starting a worker group takes 15 to 30 s, a trial on a laptop often less. So the group starts once,
its workers obey commands, and a trial is a few commands: start, epoch, epoch, ..., start.

    Trial (Tune's actor) -- Lane.ask --> Mailbox (async actor) <-- worker.work (each rank)

When a worker dies, Ray Train restarts the complete group. Its rank 0 opens a new *generation* of
the mailbox, and a trial that waits for an answer of the old one learns that it is lost. When Ray
Train's controller or the mailbox dies, the lane dies with it, and the trial starts another.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from uuid import uuid4

import ray
from ray.actor import ActorHandle
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.train import FailureConfig, RunConfig, ScalingConfig, UserCallback
from ray.util.placement_group import remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainables.lane.failures import Failure
from trainables.lane.mailbox import AnswerState, Close, Command, LaneSettings, Mailbox
from trainables.lane.process_group import LaneTorchConfig
from trainables.lane.ray_private import TrainerWithoutDatasets, orphaned_placement_groups

_logger = logging.getLogger(__name__)
A = TypeVar("A")

_POLL_S = 5.0
"""How long a call to the mailbox may wait before the lane checks that its group is alive."""


class LaneRestarted(Exception):
    """The worker group died and was restarted; what it had not saved is lost."""

    def __init__(self, name: str, shortage: str) -> None:
        super().__init__(name)
        self.shortage = shortage
        """Ray's message if the group ran out of memory, else ""."""


class LaneDied(Exception):
    """The lane is gone: its controller or mailbox was killed, or Ray Train gave up."""


def free_orphans() -> None:
    """Free the resources of this job's worker groups whose controller is dead.

    Ray frees them only when the job ends; Ray Train's cleaner frees only groups that had started,
    and only while the dashboard answers in time. A new lane could wait for them forever.
    """
    for group in orphaned_placement_groups():
        remove_placement_group(group)


def _work(loop_config: dict[str, Any]) -> None:
    """Run a rank of the lane: Ray Train's training function."""
    # Imported here because it takes seconds: the trial's actor and Ray Train's controller start one
    # after the other before any rank does, and neither needs it.
    from trainables.lane.worker import work

    work(loop_config)


class _ReportShortage(UserCallback):
    """Ray Train's controller notes in the mailbox that a worker was killed for its memory."""

    def __init__(self, mailbox: ActorHandle) -> None:
        self.mailbox = mailbox

    def after_exception(self, run_context: object, worker_exceptions: dict[int, Exception]) -> None:
        for error in worker_exceptions.values():
            if is_shortage(error):
                self.mailbox.short_of_memory.remote(str(error).strip())


def is_shortage(error: BaseException) -> bool:
    """Whether Ray killed the process because its machine ran out of memory."""
    # An actor's death has no type of its own for this cause, only a message.
    low = isinstance(error, RayActorError) and "memory" in str(error) and "OOM" in str(error)
    return low or isinstance(error, OutOfMemoryError)


class Lane:
    """The trial's handle on a worker group. Not thread-safe; one trial at a time."""

    def __init__(self, settings: LaneSettings) -> None:
        self.name = f"lane-{uuid4().hex[:8]}"
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # On the trial's own machine, so that a lost machine takes both.
        self.mailbox: ActorHandle = Mailbox.options(  # type: ignore[attr-defined]
            scheduling_strategy=here
        ).remote()
        self.generation = 0
        self._end: BaseException | None = None
        # A daemon: the trial's actor must be able to exit while Ray Train still runs.
        self._thread = threading.Thread(target=self._run, args=(settings,), daemon=True)
        self._thread.start()

    def _run(self, settings: LaneSettings) -> None:
        """Keep the worker group up until it is closed: Ray Train restarts it after each death."""
        resources = {"CPU": settings.cpus_per_worker}
        if settings.gpus_per_worker:
            resources["GPU"] = settings.gpus_per_worker
        trainer = TrainerWithoutDatasets(
            _work,
            train_loop_config={"mailbox": self.mailbox, "settings": settings},
            torch_config=LaneTorchConfig(),
            scaling_config=ScalingConfig(
                num_workers=settings.workers,
                use_gpu=settings.gpus_per_worker > 0,
                resources_per_worker=resources,
                placement_strategy="PACK",  # gradients travel least within one machine
            ),
            run_config=RunConfig(
                name=self.name,
                storage_path=settings.storage,
                failure_config=FailureConfig(max_failures=-1),  # Trial counts them by epoch
                callbacks=[_ReportShortage(self.mailbox)],
            ),
        )
        try:
            trainer.fit()
        except BaseException as error:  # the next call of the trial raises it as LaneDied
            self._end = error

    def ask(self, command: Command[A]) -> A | Failure:
        """Send a command to every rank; return rank 0's answer or the first failure.

        Raises:
            LaneRestarted: the group died before it answered; a new one is up.
            LaneDied: there will be no new group.
        """
        if self.generation == 0:
            self._await_group()
        with self._reachable() as mailbox:
            number: int | None = ray.get(mailbox.post.remote(command, self.generation))
            if number is not None:
                state, answer = self._await_answer(mailbox, number)
        if number is None or state == "restarted":
            self._await_group()
            with self._reachable() as mailbox:
                raise LaneRestarted(self.name, ray.get(mailbox.take_shortage.remote()))
        return cast("A | Failure", answer)

    def _await_answer(self, mailbox: ActorHandle, number: int) -> tuple[AnswerState, object]:
        state: AnswerState = "waiting"
        while state == "waiting":
            self._check_alive()
            state, answer = ray.get(mailbox.answer.remote(self.generation, number, _POLL_S))
        return state, answer

    @contextmanager
    def _reachable(self) -> Iterator[ActorHandle]:
        """The mailbox, for calls that raise LaneDied if it is gone."""
        try:
            yield self.mailbox
        except RayActorError as error:
            raise LaneDied(f"{self.name}: its mailbox died: {error}") from error

    def _await_group(self) -> None:
        """Wait until a group newer than the known one is up."""
        newer: int | None = None
        while newer is None:
            self._check_alive()
            with self._reachable() as mailbox:
                newer = ray.get(mailbox.wait_open.remote(self.generation, _POLL_S))
            # An orphan of this job may hold the very resources that the group waits for.
            free_orphans()
        self.generation = newer

    @property
    def alive(self) -> bool:
        """Whether its worker group is up, starting or being restarted."""
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait until the worker group has ended, for at most ``timeout_s``."""
        self._thread.join(timeout_s)

    def _check_alive(self) -> None:
        if not self.alive:
            raise LaneDied(f"{self.name}: {self._end or 'its worker group ended'}")

    def close(self, patience_s: float = 15.0) -> None:
        """End the worker group and wait until Ray has its resources back."""
        if self.alive and self.generation:
            try:
                with self._reachable() as mailbox:
                    ray.get(mailbox.post.remote(Close(), self.generation))
                self.join(patience_s)
            except LaneDied as error:
                # Nothing is lost: the ranks end by themselves when the mailbox is gone.
                _logger.info("closing a lane that is gone: %s", error)
        ray.kill(self.mailbox)
