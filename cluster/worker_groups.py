"""Who of this job waits for room on the cluster, and what is free meanwhile."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import ray

from cluster.ray_private import placement_groups

_KINDS = ("CPU", "GPU")


@dataclass(frozen=True)
class WorkerGroups:
    """The worker groups of this job at a moment."""

    placed: int
    waiting: dict[str, tuple[dict[str, float], ...]] = field(default_factory=dict)
    """What each worker asks for, by the group's id."""
    free: dict[str, float] = field(default_factory=dict)
    """On all machines together."""
    whole: dict[str, float] = field(default_factory=dict)


def look() -> WorkerGroups:
    """Groups that an actor of this job (Ray Train's controller) created and that still lives."""
    groups = list(placement_groups())
    placed = sum(group.placed for group in groups)
    waiting = {group.id: group.bundles for group in groups if group.pending}
    if not waiting:
        return WorkerGroups(placed)
    return WorkerGroups(placed, waiting, ray.available_resources(), ray.cluster_resources())


def wanted(workers: tuple[dict[str, float], ...]) -> str:
    """``2 workers of 1 CPU and 1 GPU``."""
    alike = Counter(_amounts(worker, _KINDS) for worker in workers)
    return ", ".join(
        f"{count} workers of {what}" if count > 1 else f"a worker of {what}"
        for what, count in alike.items()
    )


def free(room: WorkerGroups) -> str:
    """``0 of 4 CPU and 0 of 1 GPU are free``."""
    there = [kind for kind in _KINDS if room.whole.get(kind)]
    return " and ".join(
        f"{room.free.get(kind, 0.0):g} of {room.whole[kind]:g} {kind}" for kind in there
    ) + (" are free" if there else "no CPU is there")


def _amounts(resources: Mapping[str, float], kinds: tuple[str, ...]) -> str:
    return " and ".join(f"{resources[kind]:g} {kind}" for kind in kinds if resources.get(kind))
