"""Lanes come and go with the machines of a cluster, while a study runs."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from ray import tune
from ray.tune.search import ConcurrencyLimiter

from cluster import worker_groups
from cluster.resources import Node
from study.ledger.plan import Plan
from study.planning.budget import duration
from study.planning.runs import lanes_on

_COUNT_EVERY_S = 2.0


class ElasticLanes(tune.Callback):
    """Lets Tune run as many trials at once as lanes fit on the machines that there are.

    Machines that join get lanes with the next trials. When machines leave, the trials of their
    lanes wait for room, none is handed out anew until they have it, and a lane that has nothing to
    do gives its workers back (``trainables/lane/trial.py``): so none is lost.
    """

    def __init__(
        self,
        plan: Plan,
        limiter: ConcurrencyLimiter,
        nodes: Callable[[], list[Node]],
        changed: Callable[[int, int], None],
    ) -> None:
        """``changed`` is told the lanes and the machines whenever their number is another one."""
        self.plan, self.limiter, self.nodes, self.changed = plan, limiter, nodes, changed
        self.looked = monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if monotonic() - self.looked < _COUNT_EVERY_S:
            return
        self.looked = monotonic()
        nodes = self.nodes()
        lanes = lanes_on(self.plan, nodes)
        if lanes != self.limiter.max_concurrent:
            self.limiter.set_max_concurrency(lanes)
            self.changed(lanes, sum(node.here for node in nodes))


_LOOK_EVERY_S = 5.0
_REPORT_AFTER_S = 60.0


class WaitingLanes(tune.Callback):
    """Says of every lane that waits for a minute what it waits for. Where none at all has had room
    for ``patience_s`` the study stops, to be resumed when there is some."""

    def __init__(
        self,
        patience_s: float,
        stop: Callable[[str], None],
        say: Callable[[int, str], None],
        look: Callable[[], worker_groups.WorkerGroups] = worker_groups.look,
    ) -> None:
        """``say`` is told how many lanes wait, and for what."""
        self.patience_s, self.stop, self.say, self.look = patience_s, stop, say, look
        self._looked = 0.0
        self._since: dict[str, float] = {}
        self._said: set[str] = set()
        self._none_since: float | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if (now := monotonic()) - self._looked >= _LOOK_EVERY_S:
            self._looked = now
            self.follow(self.look(), now)

    def follow(self, found: worker_groups.WorkerGroups, now: float) -> None:
        """What there is at this second."""
        self._since = {group: self._since.get(group, now) for group in found.waiting}
        long = {group for group, since in self._since.items() if now - since >= _REPORT_AFTER_S}
        if long - self._said:
            self._said |= long
            self.say(len(long), _missing(found))
        if found.placed or not found.waiting:
            self._none_since = None
            return
        if self._none_since is None:
            self._none_since = now
        if now - self._none_since >= self.patience_s:
            self.stop(f"no lane has had room for {duration(self.patience_s)}: {_missing(found)}")


def _missing(found: worker_groups.WorkerGroups) -> str:
    """``each asks for 2 workers of 1 CPU; 0 of 4 CPU are free``."""
    asked = worker_groups.wanted(next(iter(found.waiting.values())))
    return f"each asks for {asked}; {worker_groups.free(found)}"
