"""Adds and removes lanes as machines join and leave, and reports lanes that find no room."""

from collections.abc import Callable
from time import monotonic

from ray.tune.experiment import Trial
from ray.tune.search import ConcurrencyLimiter

from cluster import worker_groups
from cluster.resources import Node
from study.execution.callbacks.driver_callback import DriverCallback
from study.ledger.plan import Plan
from study.planning.budget import duration
from study.planning.runs import lanes_on

_COUNT_EVERY_S = 2.0
_LOOK_EVERY_S = 5.0
_REPORT_AFTER_S = 60.0


class ElasticLanes(DriverCallback):
    """Lets Tune run as many trials at once as lanes fit on the machines that are there.

    Machines that join get lanes with the next trials. When machines leave, the trials of their
    lanes wait for room, no new trial starts before they have it, and an idle lane releases its
    workers (``trainables/lane/trial.py``), so no trial is lost.
    """

    def __init__(
        self,
        plan: Plan,
        limiter: ConcurrencyLimiter,
        nodes: Callable[[], list[Node]],
        on_change: Callable[[int, int], None],
    ) -> None:
        """``on_change`` receives the number of lanes and of machines when it changes."""
        self._plan, self._limiter = plan, limiter
        self._nodes, self._on_change = nodes, on_change
        self._counted = monotonic()

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: object) -> None:
        if monotonic() - self._counted < _COUNT_EVERY_S:
            return
        self._counted = monotonic()
        nodes = self._nodes()
        lanes = lanes_on(self._plan, nodes)
        if lanes != self._limiter.max_concurrent:
            self._limiter.set_max_concurrency(lanes)
            self._on_change(lanes, sum(node.here for node in nodes))


class WaitingLanes(DriverCallback):
    """Reports lanes that have waited for a minute, with what they wait for.

    If no lane at all has had room for ``patience_s``, the study stops and can be resumed.
    """

    def __init__(
        self,
        patience_s: float,
        stop: Callable[[str], None],
        on_wait: Callable[[int, str], None],
        look: Callable[[], worker_groups.WorkerGroups] = worker_groups.look,
    ) -> None:
        """``on_wait`` receives how many lanes wait, and what is missing."""
        self._patience_s, self._stop = patience_s, stop
        self._on_wait, self._look = on_wait, look
        self._looked = 0.0
        self._since: dict[str, float] = {}
        self._reported: set[str] = set()
        self._none_since: float | None = None

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: object) -> None:
        if (now := monotonic()) - self._looked >= _LOOK_EVERY_S:
            self._looked = now
            self.follow(self._look(), now)

    def follow(self, groups: worker_groups.WorkerGroups, now: float) -> None:
        """Report or stop, given the worker groups at the time ``now``."""
        self._since = {group: self._since.get(group, now) for group in groups.waiting}
        long = {group for group, since in self._since.items() if now - since >= _REPORT_AFTER_S}
        if long - self._reported:
            self._reported |= long
            self._on_wait(len(long), _missing(groups))
        if groups.placed or not groups.waiting:
            self._none_since = None
            return
        if self._none_since is None:
            self._none_since = now
        if now - self._none_since >= self._patience_s:
            self._stop(f"no lane has had room for {duration(self._patience_s)}: {_missing(groups)}")


def _missing(groups: worker_groups.WorkerGroups) -> str:
    """What the lanes wait for: ``each requests 2 workers of 1 CPU; 0 of 4 CPU are free``."""
    wanted = worker_groups.wanted(next(iter(groups.waiting.values())))
    return f"each requests {wanted}; {worker_groups.free(groups)}"
