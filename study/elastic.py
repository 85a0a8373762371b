"""Lanes come and go with the machines of a cluster, while a study runs."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from ray import tune
from ray.tune.search import ConcurrencyLimiter

from cluster.resources import Node
from study.lanes import lanes_on
from study.plan import Plan

_EVERY_S = 2.0


class Elastic(tune.Callback):
    """Lets Tune run as many trials at once as lanes fit on the machines that there are.

    Machines that join get lanes with the next trials. When machines leave, the trials of their
    lanes wait for room, none is handed out anew until they have it, and a lane that has nothing to
    do gives its workers back (``trainables/trial.py``): so none is lost.
    """

    def __init__(
        self, plan: Plan, limiter: ConcurrencyLimiter, nodes: Callable[[], list[Node]],
        changed: Callable[[int, int], None],
    ) -> None:  # fmt: skip
        """``changed`` is told the lanes and the machines whenever their number is another one."""
        self.plan, self.limiter, self.nodes, self.changed = plan, limiter, nodes, changed
        self.looked = monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if monotonic() - self.looked < _EVERY_S:
            return
        self.looked = monotonic()
        nodes = self.nodes()
        lanes = lanes_on(self.plan, nodes)
        if lanes != self.limiter.max_concurrent:
            self.limiter.set_max_concurrency(lanes)
            self.changed(lanes, sum(node.here for node in nodes))
