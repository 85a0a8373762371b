"""How many lanes a study runs, and on which machines."""

from dataclasses import replace

from cluster.resources import LaneRequest, Node, count_lanes, placement, workers_that_fit
from study.plan import Plan


def request_of(plan: Plan) -> LaneRequest:
    return LaneRequest(plan.workers, plan.cpus_per_worker, plan.gpus_per_worker)


def place(plan: Plan, nodes: list[Node], wanted: int) -> Plan:
    """The plan with its lanes counted and placed on these machines; ``wanted`` 0 is all that fit.

    Raises:
        ValueError: they can never fit.
    """
    request = request_of(plan)
    lanes = count_lanes(nodes, request, wanted, plan.trials)
    return replace(plan, lanes=lanes, most_lanes=wanted, places=placement(nodes, request, lanes))


def lanes_on(plan: Plan, nodes: list[Node]) -> int:
    """Lanes that these machines have room for, within what was asked; at least one, to wait."""
    fit = workers_that_fit(nodes, request_of(plan)) // plan.workers
    return max(min(fit, plan.most_lanes or fit, plan.trials), 1)
