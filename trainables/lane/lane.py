"""A lane: one Ray Train worker group that stays up and runs trials back to back.

Starting a worker group costs 15 to 30 s, a trial on a laptop often less. So the group is started
once, its workers obey commands, and a trial is a few of them: start, epoch, epoch, ..., start.

    Trial (Tune's actor) -- Lane.ask --> Mailbox (async actor) <-- worker.work (each rank)

When a worker dies Ray Train starts the whole group again. Its rank 0 opens a new *generation* of
the mailbox; whoever waits for an answer of the old one learns that it is lost. When Ray Train's
controller or the mailbox dies, so does the lane, and the trial makes another.
"""

import threading
from typing import Any
from uuid import uuid4

import ray
from ray._private.state import state
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.train import FailureConfig, RunConfig, ScalingConfig, UserCallback
from ray.train.torch import TorchTrainer
from ray.util.placement_group import PlacementGroup, remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainables.lane.mailbox import Close, Command, LaneSettings, Mailbox

_POLL_S = 5.0


class LaneRestarted(Exception):
    """The worker group died and is back: what it had not saved is gone."""

    def __init__(self, name: str, shortage: str) -> None:
        super().__init__(name)
        self.shortage = shortage
        """How it ran out of memory; "" if that was not why."""


class LaneDied(Exception):
    """The lane is no more: its controller or mailbox was killed, or Ray Train gave it up."""


def free_orphans() -> None:
    """Free the places of this job's worker groups whose controller is dead.

    Ray frees them when the job ends; Ray Train's own cleaner only those that had started, and only
    while the dashboard answers in time. A lane made anew would wait for them for ever.
    """
    job, no_actor = ray.get_runtime_context().get_job_id(), ("", ray.ActorID.nil().hex())
    for row in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(row)
        if group.creator_job_id.hex() != job or group.state == PlacementGroupTableData.REMOVED:
            continue
        # A driver's own, Tune's among them, count as those of a dead actor that never was.
        if group.creator_actor_dead and group.creator_actor_id.hex() not in no_actor:
            remove_placement_group(PlacementGroup(ray.PlacementGroupID(group.placement_group_id)))


def _work(loop_config: dict[str, Any]) -> None:
    """What each rank does. Imported there alone: it takes seconds, and the trial's actor and Ray
    Train's controller, which start one after the other before any rank, need nothing of it."""
    from trainables.lane.worker import work

    work(loop_config)


class _TellsShortage(UserCallback):
    """In Ray Train's controller: tells the mailbox when memory was why a worker was killed."""

    def __init__(self, mailbox: Any) -> None:
        self.mailbox = mailbox

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        for error in worker_exceptions.values():
            if is_shortage(error):
                self.mailbox.short_of_memory.remote(str(error).strip())


def is_shortage(error: BaseException) -> bool:
    """Whether Ray killed the process because its machine ran out of memory."""
    low = isinstance(error, RayActorError) and "memory" in str(error) and "OOM" in str(error)
    return low or isinstance(error, OutOfMemoryError)


class Lane:
    """The trial's end of a worker group. Not thread-safe; one trial at a time."""

    def __init__(self, settings: LaneSettings) -> None:
        self.name = f"lane-{uuid4().hex[:8]}"
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # On the trial's own machine: they die together.
        self.mailbox: Any = Mailbox.options(  # type: ignore[attr-defined]
            scheduling_strategy=here
        ).remote()
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
            _work,
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
                callbacks=[_TellsShortage(self.mailbox)],
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
        number = self._call("post", command, self.generation)
        state, answer = ("restarted", None) if number is None else ("waiting", None)
        while state == "waiting":
            self._check_alive()
            state, answer = self._call("answer", self.generation, number, _POLL_S)
        if state == "restarted":
            self._await_group()
            raise LaneRestarted(self.name, self._call("take_shortage"))
        return answer

    def _call(self, method: str, *arguments: Any) -> Any:
        """The mailbox's answer.

        Raises:
            LaneDied: the mailbox is gone.
        """
        try:
            return ray.get(getattr(self.mailbox, method).remote(*arguments))
        except RayActorError as error:
            raise LaneDied(f"{self.name}: its mailbox died: {error}") from error

    def _await_group(self) -> None:
        """Wait until a group newer than the known one is up."""
        generation = None
        while generation is None:
            self._check_alive()
            generation = self._call("wait_open", self.generation, _POLL_S)
            free_orphans()
        self.generation = generation

    def _check_alive(self) -> None:
        if not self._thread.is_alive():
            raise LaneDied(f"{self.name}: {self._end or 'its worker group ended'}")

    def close(self, patience_s: float = 15.0) -> None:
        """End the worker group and wait for Ray to have its resources back."""
        if self._thread.is_alive() and self.generation:
            try:
                self._call("post", Close(), self.generation)
                self._thread.join(patience_s)
            except LaneDied:
                pass  # the ranks leave by themselves when they miss the mailbox
        ray.kill(self.mailbox)
