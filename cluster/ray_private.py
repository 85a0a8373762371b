"""The private parts of Ray that attaching to a cluster needs; tested with Ray 2.58 to 2.60.

Ray has no public API for these. ``tests/cluster/test_ray_private.py`` fails when a new Ray
changes one. Import this file inside functions: some of Ray's settings are read when it is imported.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import ray
from ray._private import worker
from ray._private.accelerators.nvidia_gpu import NvidiaGPUAcceleratorManager
from ray._private.services import resolve_ip_for_localhost
from ray._private.state import state
from ray.core.generated.gcs_pb2 import PlacementGroupTableData

_PENDING = (PlacementGroupTableData.PENDING, PlacementGroupTableData.RESCHEDULING)


@dataclass(frozen=True)
class PlacementGroup:
    """A placement group that a living actor of this job created."""

    id: str
    placed: bool
    pending: bool
    bundles: tuple[dict[str, float], ...]
    """The resources that each worker requests."""


@dataclass(frozen=True)
class NodeGroup:
    """One kind of machine that the autoscaler may add."""

    resources: dict[str, float]
    max_count: int
    """Negative if there is no limit."""


def placement_groups() -> Iterator[PlacementGroup]:
    """The placement groups that living actors of this job created.

    Ray's public ``placement_group_table()`` leaves out the creator, and whether it is dead.
    """
    job, no_actor = ray.get_runtime_context().get_job_id(), ("", ray.ActorID.nil().hex())
    for row in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(row)
        orphan = group.creator_actor_dead or group.creator_actor_id.hex() in no_actor
        if group.creator_job_id.hex() == job and not orphan:
            yield PlacementGroup(
                id=group.placement_group_id.hex(),
                placed=group.state == PlacementGroupTableData.CREATED,
                pending=group.state in _PENDING,
                bundles=tuple(dict(bundle.unit_resources) for bundle in group.bundles),
            )


def node_groups() -> list[NodeGroup]:
    """The kinds of machine in the cluster config; [] if the head has no such config."""
    config = state.get_cluster_config()
    groups = config.node_group_configs if config is not None else []
    return [NodeGroup(dict(group.resources), group.max_count) for group in groups]


def local_gpus() -> int:
    """NVIDIA GPUs of this machine, counted as ``ray.init`` counts them and without starting it."""
    return int(NvidiaGPUAcceleratorManager.get_current_node_num_accelerators())


def address_for_localhost(host: str) -> str:
    """The address that Ray uses in place of a loopback address."""
    return str(resolve_ip_for_localhost(host))


def dashboard_address() -> str:
    """``HOST:PORT`` of the attached cluster's dashboard; "" if it has none."""
    return str(worker._global_node.webui_url or "")
