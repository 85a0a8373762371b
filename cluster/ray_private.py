"""The private parts of Ray that attaching to a cluster needs; tested with Ray 2.58 to 2.60.

Ray has no public API for these. ``tests/cluster/test_ray_private.py`` fails when a new Ray
changes one. Import this file inside functions: some of Ray's settings are read when it is imported.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import ray
from ray._private import ray_constants, worker
from ray._private.accelerators.nvidia_gpu import NvidiaGPUAcceleratorManager
from ray._private.services import resolve_ip_for_localhost
from ray._private.state import state
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]
from ray.core.generated.gcs_pb2 import PlacementGroupTableData

_LOOPBACK = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0"}
"""Ray's default outside Linux: a node's address is 127.0.0.1, and its servers listen there only."""
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
    manager = NvidiaGPUAcceleratorManager
    count = int(manager.get_current_node_num_accelerators())
    visible = manager.get_current_process_visible_accelerator_ids()  # of CUDA_VISIBLE_DEVICES
    return count if visible is None else min(count, len(visible))


def local_gpu_type() -> str:
    """Ray's name of this machine's NVIDIA GPUs, such as ``H100``; "" without one."""
    return NvidiaGPUAcceleratorManager.get_current_node_accelerator_type() or ""


def address_for_localhost(host: str) -> str:
    """The address that Ray uses in place of a loopback address."""
    return str(resolve_ip_for_localhost(host))


@contextmanager
def closed_to_others() -> Iterator[None]:
    """Have the cluster that starts within listen on 127.0.0.1 alone and require a new token.

    ``ray.init(_node_ip_address="127.0.0.1")`` cannot do it: Ray replaces that address by the
    machine's own. Ray reads the variable for it when it is imported, which has happened here, so
    the constant is set too; the cluster's processes read the variable. The token is known to this
    process and to those of the cluster, and to no file. Neither can be relaxed by the environment:
    who can reach such a cluster can run any code as this user.
    """
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    former = {name: os.environ.get(name) for name in {**_LOOPBACK, **token}}
    enabled = ray_constants.ENABLE_RAY_CLUSTER
    os.environ.update({**_LOOPBACK, **token})
    ray_constants.ENABLE_RAY_CLUSTER = False
    _read_token_again()
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = enabled
        for name, value in former.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        _read_token_again()


def _read_token_again() -> None:
    """Have this process's Ray follow RAY_AUTH_MODE and RAY_AUTH_TOKEN as they are now."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def dashboard_address() -> str:
    """``HOST:PORT`` of the attached cluster's dashboard; "" if it has none."""
    return str(worker._global_node.webui_url or "")


def session_path() -> Path:
    """The folder of the session of the cluster that this process started."""
    return Path(worker._global_node.get_session_dir_path())


def started_processes() -> list[psutil.Process]:
    """The processes that ``ray.init`` started in this one."""
    found = []
    for infos in worker._global_node.all_processes.values():
        for info in infos:
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(info.process.pid))
    return found
