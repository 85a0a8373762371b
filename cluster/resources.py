"""From what a cluster has, or may yet have, and what a lane wants to how many lanes run at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """What one machine of the cluster has in all."""

    cpus: float
    gpus: float
    name: str = ""
    here: bool = True
    """False for one that the cluster's autoscaler may yet add."""


@dataclass(frozen=True)
class LaneRequest:
    """What each lane asks for."""

    workers: int
    cpus_per_worker: float
    gpus_per_worker: float

    def __post_init__(self) -> None:
        for name, low in (("workers", 1), ("cpus_per_worker", 1), ("gpus_per_worker", 0)):
            value = getattr(self, name)
            if not low <= value < math.inf:
                raise ValueError(f"--{name.replace('_', '-')} must be >= {low}, got {value}")
        gpus = self.gpus_per_worker
        if gpus % 1 and gpus > 1:
            raise ValueError(f"--gpus-per-worker must be whole above 1, got {gpus}")
        if gpus % 1 and self.workers > 1:
            raise ValueError(
                f"--gpus-per-worker must be whole with more than one worker (NCCL takes no two "
                f"ranks of one group on one GPU), got {gpus} with --workers {self.workers}"
            )

    def __str__(self) -> str:
        gpus = f" and {self.gpus_per_worker:g} GPU" if self.gpus_per_worker else ""
        return f"{self.cpus_per_worker:g} CPU{gpus}"


def workers_on(node: Node, request: LaneRequest) -> int:
    """How many workers one machine holds. A share of a GPU lies whole on one GPU."""
    by_cpu, gpus = node.cpus / request.cpus_per_worker, request.gpus_per_worker
    if not gpus:
        return math.floor(by_cpu + 1e-9)
    shares = math.floor(1 / gpus + 1e-9)
    by_gpu = math.floor(node.gpus) * shares if gpus < 1 else node.gpus / gpus
    return math.floor(min(by_cpu, by_gpu) + 1e-9)


def workers_that_fit(nodes: Sequence[Node], request: LaneRequest) -> int:
    """How many workers these machines hold, each whole on one of them."""
    return sum(workers_on(node, request) for node in nodes)


def count_lanes(nodes: Sequence[Node], request: LaneRequest, wanted: int, trials: int) -> int:
    """Lanes to run: as many as can ever fit (``wanted`` 0), or as many as wanted; never more than
    trials.

    Raises:
        ValueError: not even one lane can ever fit, or fewer than are wanted, or that is negative.
    """
    if wanted < 0:
        raise ValueError(f"--lanes must be >= 0, got {wanted}")
    room = workers_that_fit(nodes, request)
    fit = room // request.workers
    holds = "what this cluster holds" + ("" if all(node.here for node in nodes) else " at its most")
    if fit == 0:
        raise ValueError(
            f"--workers must be at most {room}, {holds} at {request} each, got {request.workers}"
        )
    if wanted > fit:
        raise ValueError(
            f"--lanes must be at most {fit}, {holds} at "
            f"{request.workers} workers each, got {wanted}"
        )
    return max(min(wanted or fit, trials), 1)


def placement(nodes: Sequence[Node], request: LaneRequest, lanes: int) -> str:
    """Where so many lanes will run and what they wait for: ``2 on a, 1 over a and b``.

    A lane is packed onto one machine if one has room, else onto those with the most of it; Ray may
    choose others of the same kind.
    """
    room = {node.name: workers_on(node, request) for node in nodes if node.here and node.name}
    places: dict[str, int] = {}
    placed = 0
    while placed < lanes and sum(room.values()) >= request.workers:
        place = _pack(room, request.workers)
        places[place] = places.get(place, 0) + 1
        placed += 1
    parts = [f"{count} {place}" for place, count in places.items()]
    if placed < lanes and any(not node.here for node in nodes):
        missing = (lanes - placed) * request.workers - sum(room.values())
        parts.append(
            f"{lanes - placed} waiting for the autoscaler: room for {missing} more "
            f"workers of {request}"
        )
    return ", ".join(parts)


def _pack(room: dict[str, int], workers: int) -> str:
    """Take one lane's workers out of the room, on as few machines as may be."""
    enough = [name for name, free in room.items() if free >= workers]
    if enough:
        tightest = min(enough, key=lambda name: room[name])
        room[tightest] -= workers
        return f"on {tightest}"
    over = []
    for name in sorted(room, key=lambda name: -room[name]):
        if workers and room[name]:
            taken = min(room[name], workers)
            room[name], workers = room[name] - taken, workers - taken
            over.append(name)
    return f"over {' and '.join(over)}"
