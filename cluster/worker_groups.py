"""Who of this job waits for room on the cluster, and what is free meanwhile."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import ray
from ray._private.state import state
from ray.core.generated.gcs_pb2 import PlacementGroupTableData

_KINDS = ("CPU", "GPU")
_WAIT = (PlacementGroupTableData.PENDING, PlacementGroupTableData.RESCHEDULING)


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
    """Groups that an actor of this job made (Ray Train's controller does) and that still lives."""
    job, no_actor = ray.get_runtime_context().get_job_id(), ("", ray.ActorID.nil().hex())
    placed, waiting = 0, {}
    for row in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(row)
        orphan = group.creator_actor_dead or group.creator_actor_id.hex() in no_actor
        if group.creator_job_id.hex() != job or orphan:
            continue
        if group.state == PlacementGroupTableData.CREATED:
            placed += 1
        elif group.state in _WAIT:
            waiting[group.placement_group_id.hex()] = tuple(
                dict(bundle.unit_resources) for bundle in group.bundles
            )
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
