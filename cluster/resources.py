"""From what a cluster has and what a lane wants to how many lanes run at once."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """What one machine of the cluster has in all."""

    cpus: float
    gpus: float


@dataclass(frozen=True)
class LaneRequest:
    """What each lane asks for."""

    workers: int
    cpus_per_worker: float
    gpus_per_worker: float

    def __post_init__(self) -> None:
        for name, low in (("workers", 1), ("cpus_per_worker", 1), ("gpus_per_worker", 0)):
            value = getattr(self, name)
            if value < low:
                raise ValueError(f"--{name.replace('_', '-')} must be >= {low}, got {value}")


def workers_that_fit(nodes: list[Node], request: LaneRequest) -> int:
    """How many workers the cluster can hold, each whole on one machine."""

    def on(node: Node) -> int:
        by_cpu = node.cpus / request.cpus_per_worker
        by_gpu = node.gpus / request.gpus_per_worker if request.gpus_per_worker else math.inf
        return math.floor(min(by_cpu, by_gpu) + 1e-9)

    return sum(on(node) for node in nodes)


def count_lanes(nodes: list[Node], request: LaneRequest, wanted: int, trials: int) -> int:
    """Lanes to run: as many as fit (``wanted`` 0), or as many as wanted; never more than trials.

    Raises:
        ValueError: not even one lane fits, or fewer than are wanted.
    """
    room = workers_that_fit(nodes, request)
    fit = room // request.workers
    if fit == 0:
        raise ValueError(f"--workers must be at most {room}, what this cluster holds, "
                         f"got {request.workers}")  # fmt: skip
    if wanted > fit:
        raise ValueError(f"--lanes must be at most {fit}, what this cluster holds at "
                         f"{request.workers} workers each, got {wanted}")  # fmt: skip
    return max(min(wanted or fit, trials), 1)
