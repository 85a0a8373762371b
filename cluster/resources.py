"""How many lanes fit on a cluster, counting the machines that may still join."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cluster.validation import require


@dataclass(frozen=True)
class Node:
    """One machine of the cluster, with its total resources."""

    cpus: float
    gpus: float
    name: str = ""
    here: bool = True
    """False for a machine that the cluster's autoscaler may still add."""
    has_bf16: bool = False
    """Whether its GPUs are known to compute in bfloat16."""


@dataclass(frozen=True)
class LaneRequest:
    """The resources that each lane requests."""

    workers: int
    cpus_per_worker: float
    gpus_per_worker: float

    def __post_init__(self) -> None:
        for name, low in (("workers", 1), ("cpus_per_worker", 1), ("gpus_per_worker", 0)):
            value = getattr(self, name)
            in_range = low <= value < math.inf
            require(in_range, f"--{name.replace('_', '-')}", f">= {low}", value)
        gpus = self.gpus_per_worker
        require(gpus <= 1 or gpus % 1 == 0, "--gpus-per-worker", "whole above 1", gpus)
        if gpus % 1 and self.workers > 1:
            raise ValueError(
                f"--gpus-per-worker must be whole with more than one worker (NCCL allows no two "
                f"ranks of one group on one GPU), got {gpus} with --workers {self.workers}"
            )

    def __str__(self) -> str:
        gpus = f" and {self.gpus_per_worker:g} GPU" if self.gpus_per_worker else ""
        return f"{self.cpus_per_worker:g} CPU{gpus}"


def workers_on(node: Node, request: LaneRequest) -> int:
    """How many workers fit on one machine. A share of a GPU never spans two GPUs."""
    by_cpu, gpus = node.cpus / request.cpus_per_worker, request.gpus_per_worker
    if not gpus:
        return math.floor(by_cpu + 1e-9)  # 0.3 / 0.1 is a little below 3
    shares = math.floor(1 / gpus + 1e-9)  # per GPU, if gpus is a fraction
    by_gpu = math.floor(node.gpus) * shares if gpus < 1 else node.gpus / gpus
    return math.floor(min(by_cpu, by_gpu) + 1e-9)


def workers_that_fit(nodes: Sequence[Node], request: LaneRequest) -> int:
    """How many workers fit on these machines; no worker spans two."""
    return sum(workers_on(node, request) for node in nodes)


def count_lanes(nodes: Sequence[Node], request: LaneRequest, wanted: int, trials: int) -> int:
    """How many lanes to run: ``wanted``, or if it is 0 all that can ever fit; at most ``trials``.

    Raises:
        ValueError: no lane can ever fit, or fewer than are wanted, or ``wanted`` is negative.
    """
    require(wanted >= 0, "--lanes", ">= 0", wanted)
    room = workers_that_fit(nodes, request)
    fit = room // request.workers
    holds = "what this cluster holds" + ("" if all(node.here for node in nodes) else " at its most")
    at_most = f"at most {room}, {holds} at {request} each"
    require(fit > 0, "--workers", at_most, request.workers)
    at_most = f"at most {fit}, {holds} at {request.workers} workers each"
    require(wanted <= fit, "--lanes", at_most, wanted)
    return max(min(wanted or fit, trials), 1)


def placement(nodes: Sequence[Node], request: LaneRequest, lanes: int) -> str:
    """Where the lanes will run and what they wait for, in words: ``2 on a, 1 over a and b``.

    A lane goes onto one machine if one has room, else onto those with the most room; Ray may choose
    other machines of the same kind.
    """
    room = {node.name: workers_on(node, request) for node in nodes if node.here and node.name}
    places: dict[str, int] = {}
    placed = 0
    while placed < lanes and sum(room.values()) >= request.workers:
        place = _pack(room, request.workers)
        places[place] = places.get(place, 0) + 1
        placed += 1
    phrases = [f"{count} {place}" for place, count in places.items()]
    if placed < lanes and any(not node.here for node in nodes):
        missing = (lanes - placed) * request.workers - sum(room.values())
        phrases.append(
            f"{lanes - placed} waiting for the autoscaler: room for {missing} more "
            f"workers of {request}"
        )
    return ", ".join(phrases)


def _pack(room: dict[str, int], workers: int) -> str:
    """Reserve room for one lane's workers on as few machines as possible; return where."""
    # The tightest machine that fits leaves the larger rooms for lanes that need them.
    enough = [name for name, free in room.items() if free >= workers]
    if enough:
        tightest = min(enough, key=lambda name: room[name])
        room[tightest] -= workers
        return f"on {tightest}"
    over = []
    for name in sorted(room, key=lambda name: -room[name]):
        if workers and room[name]:
            reserved = min(room[name], workers)
            room[name], workers = room[name] - reserved, workers - reserved
            over.append(name)
    return f"over {' and '.join(over)}"
