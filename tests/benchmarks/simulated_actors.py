"""Tune's actors without processes: their methods run here, and finish in virtual time.

Replaces Ray's actor manager below the real Tune controller, so that a driver on two cores can have
any number of lanes. It implements only what the controller uses.
"""

import heapq
import itertools
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import ray
from ray.air.execution._internal.tracked_actor import TrackedActor


class SimulatedActors:
    """The interface of ``ray.air.execution._internal.RayActorManager``, on one virtual clock."""

    start_s: ClassVar[float] = 20.0
    """Virtual seconds of a lane's start."""
    step_s: ClassVar[float] = 10.0
    """Virtual seconds of an epoch."""
    last: ClassVar["SimulatedActors | None"] = None

    def __init__(self, resource_manager: Any = None) -> None:
        self.clock = 0.0
        self.inside_s = 0.0
        """Real seconds spent in the actors' own methods: not the driver's."""
        self.most_live = 0
        self._ids = itertools.count()
        self._events: list[tuple[float, int, Any]] = []
        self._pending: set[TrackedActor] = set()
        self._live: dict[TrackedActor, Any] = {}
        self._void: set[int] = set()
        self._tasks: dict[TrackedActor, set[int]] = {}
        self._live_actors_to_ray_actors_resources = _Handles()
        SimulatedActors.last = self

    def add_actor(
        self,
        cls: Any,
        kwargs: dict[str, Any],
        resource_request: Any,
        *,
        on_start: Any = None,
        on_stop: Any = None,
        on_error: Any = None,
    ) -> TrackedActor:
        tracked = TrackedActor(next(self._ids), on_start, on_stop, on_error)
        self._pending.add(tracked)
        self._tasks[tracked] = set()

        def started() -> None:
            self._pending.discard(tracked)
            self._live[tracked] = self._timed(lambda: _made(cls, kwargs))
            self.most_live = max(self.most_live, len(self._live))
            if tracked._on_start:
                tracked._on_start(tracked)

        self._tasks[tracked].add(self._at(self.start_s, started))
        return tracked

    def schedule_actor_task(
        self,
        tracked_actor: TrackedActor,
        method_name: str,
        args: Any = None,
        kwargs: Any = None,
        on_result: Any = None,
        on_error: Any = None,
        _return_future: bool = False,
    ) -> Any:
        def done() -> None:
            self._tasks[tracked_actor].discard(number)
            actor = self._live.get(tracked_actor)
            if actor is None:
                return
            answer = self._timed(
                lambda: getattr(actor, method_name)(*(args or ()), **(kwargs or {}))
            )
            if on_result:
                on_result(tracked_actor, answer)

        number = self._at(self.step_s if method_name == "train" else 0.0, done)
        self._tasks[tracked_actor].add(number)
        return number if _return_future else None

    def next(self, timeout: float | None = None) -> bool:
        while self._events:
            self.clock, number, act = heapq.heappop(self._events)
            if number not in self._void:
                act()
                return True
        return False

    def remove_actor(
        self, tracked: TrackedActor, kill: bool = False, stop_future: Any = None
    ) -> bool:
        if tracked in self._pending:
            self._pending.discard(tracked)
            self._void |= self._tasks[tracked]
            return False

        def stopped() -> None:
            self._live.pop(tracked, None)
            if tracked._on_stop:
                tracked._on_stop(tracked)

        self._at(0.0, stopped)
        return tracked in self._live

    def clear_actor_task_futures(self, tracked_actor: TrackedActor) -> None:
        self._void |= self._tasks[tracked_actor]

    def is_actor_started(self, tracked_actor: TrackedActor) -> bool:
        return tracked_actor in self._live

    def is_actor_failed(self, tracked_actor: TrackedActor) -> bool:
        return False

    def get_live_actors_resources(self) -> dict[str, float]:
        return {}

    def cleanup(self) -> None:
        self._live.clear()

    @property
    def num_live_actors(self) -> int:
        return len(self._live)

    @property
    def num_pending_actors(self) -> int:
        return len(self._pending)

    @property
    def num_total_actors(self) -> int:
        return len(self._live) + len(self._pending)

    @property
    def num_actor_tasks(self) -> int:
        return sum(len(tasks) for tasks in self._tasks.values())

    def _at(self, after_s: float, act: Callable[[], None]) -> int:
        number = next(self._ids)
        heapq.heappush(self._events, (self.clock + after_s, number, act))
        return number

    def _timed(self, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        try:
            return work()
        finally:
            self.inside_s += time.perf_counter() - begin


class _Handles(dict[TrackedActor, tuple[Any, None]]):
    """What the controller attaches to a trial as its Ray actor, and reads its first facts from."""

    def __missing__(self, tracked: TrackedActor) -> tuple[Any, None]:
        remote_method = SimpleNamespace(remote=lambda **_: ray.put({}))
        return SimpleNamespace(get_auto_filled_metrics=remote_method), None


def _made(cls: Any, kwargs: dict[str, Any]) -> Any:
    plain = getattr(cls, "__ray_metadata__", None)
    made = (plain.modified_class if plain is not None else cls)(**kwargs)
    return made
