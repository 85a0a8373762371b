"""The worker groups of this job that wait for resources, and the resources that are free."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import ray

from cluster.ray_private import placement_groups

_KINDS = ("CPU", "GPU")


@dataclass(frozen=True)
class WorkerGroups:
    """The worker groups of this job at one moment."""

    placed: int
    waiting: dict[str, tuple[dict[str, float], ...]] = field(default_factory=dict)
    """The resources that each worker requests, by the group's id."""
    free: dict[str, float] = field(default_factory=dict)
    """On all machines together, as is ``total``."""
    total: dict[str, float] = field(default_factory=dict)


def look() -> WorkerGroups:
    """The groups that a living actor of this job (Ray Train's controller) created."""
    groups = list(placement_groups())
    placed = sum(group.placed for group in groups)
    waiting = {group.id: group.bundles for group in groups if group.pending}
    if not waiting:
        return WorkerGroups(placed)
    return WorkerGroups(placed, waiting, ray.available_resources(), ray.cluster_resources())


def wanted(workers: tuple[dict[str, float], ...]) -> str:
    """What a group requests, in words: ``2 workers of 1 CPU and 1 GPU``."""
    alike = Counter(_amounts(worker) for worker in workers)
    return ", ".join(
        f"{count} workers of {what}" if count > 1 else f"a worker of {what}"
        for what, count in alike.items()
    )


def free(groups: WorkerGroups) -> str:
    """What is free, in words: ``0 of 4 CPU and 0 of 1 GPU are free``."""
    kinds = [kind for kind in _KINDS if groups.total.get(kind)]
    if not kinds:
        return "no CPU is there"
    amounts = (f"{groups.free.get(kind, 0.0):g} of {groups.total[kind]:g} {kind}" for kind in kinds)
    return f"{' and '.join(amounts)} are free"


def _amounts(resources: Mapping[str, float]) -> str:
    return " and ".join(f"{resources[kind]:g} {kind}" for kind in _KINDS if resources.get(kind))
