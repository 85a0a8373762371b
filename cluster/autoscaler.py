"""What an autoscaling cluster may yet become: the machines that its autoscaler may add.

Ray's own autoscaler tells nobody its limits, so who starts the cluster writes them into the head's
environment, from which every job has them; the files in ``cluster/launch`` do. Clusters that report
a cluster config to the head (Anyscale's do) need no such variable.
"""

import json
import os
from collections.abc import Sequence

from cluster.resources import Node

VARIABLE = "EDGEWISE_MAY_JOIN"
"""``[{"CPU": 8, "GPU": 1, "max": 4}]``: an entry a kind of worker machine, as many as there may be
of it in all."""
_MOST = 4096
"""Of one kind; more makes no difference to any plan."""


def may_join(here: Sequence[Node]) -> list[Node]:
    """Machines that are not there and may come, by the limits less what is there.

    Raises:
        ValueError: the variable cannot be read.
    """
    coming = []
    for kind in _kinds():
        same = sum((node.cpus, node.gpus) == (kind.cpus, kind.gpus) for node in here)
        coming += [kind] * (min(int(kind.name), _MOST) - same)
    return [Node(node.cpus, node.gpus, here=False) for node in coming]


def _kinds() -> list[Node]:
    """One of each kind; its name is how many there may be."""
    told = os.environ.get(VARIABLE)
    if not told:
        return _reported()
    try:
        return [
            Node(float(kind.get("CPU", 0)), float(kind.get("GPU", 0)), str(int(kind["max"])))
            for kind in json.loads(told)
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f'{VARIABLE} must be like [{{"CPU": 8, "GPU": 1, "max": 4}}], got {told!r}'
        ) from None


def _reported() -> list[Node]:
    """What the cluster has reported to the head; [] where it has not."""
    from cluster.ray_private import node_groups

    return [
        Node(
            group.resources.get("CPU", 0),
            group.resources.get("GPU", 0),
            str(group.max_count if group.max_count >= 0 else _MOST),
        )
        for group in node_groups()
    ]
