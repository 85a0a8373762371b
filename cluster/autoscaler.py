"""The machines that a cluster's autoscaler may add.

Ray's own autoscaler does not publish its limits. The files in ``cluster/launch`` therefore write
them into the head's environment, which every job inherits. Clusters that report a cluster config to
the head (Anyscale's do) need no such variable.
"""

import json
import os
from collections.abc import Sequence

from cluster.resources import Node

VARIABLE = "EDGEWISE_MAY_JOIN"
"""``[{"CPU": 8, "GPU": 1, "max": 4}]``: an entry per kind of worker machine; ``max`` includes those
that already run."""
_MOST = 4096
"""Machines of one kind; more would change no plan."""


def may_join(here: Sequence[Node]) -> list[Node]:
    """The machines that may still join: the limits less the machines that are there.

    Raises:
        ValueError: the variable cannot be read.
    """
    coming = []
    for kind, limit in _limits():
        same = sum((node.cpus, node.gpus) == (kind.cpus, kind.gpus) for node in here)
        coming += [kind] * (min(limit, _MOST) - same)
    return coming


def _limits() -> list[tuple[Node, int]]:
    """Each kind of machine, and its maximum number."""
    given = os.environ.get(VARIABLE)
    if not given:
        return _reported()
    try:
        return [
            (_kind(float(entry.get("CPU", 0)), float(entry.get("GPU", 0))), int(entry["max"]))
            for entry in json.loads(given)
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f'{VARIABLE} must be like [{{"CPU": 8, "GPU": 1, "max": 4}}], got {given!r}'
        ) from None


def _reported() -> list[tuple[Node, int]]:
    """The limits that the cluster has reported to the head; [] if it has reported none."""
    from cluster.ray_private import node_groups

    return [
        (
            _kind(group.resources.get("CPU", 0), group.resources.get("GPU", 0)),
            group.max_count if group.max_count >= 0 else _MOST,
        )
        for group in node_groups()
    ]


def _kind(cpus: float, gpus: float) -> Node:
    return Node(cpus, gpus, here=False)
