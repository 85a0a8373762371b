"""Ray's private API is as ``cluster/ray_private.py`` reads it."""

import ray
from ray._private.node import Node
from ray._private.state import GlobalState
from ray.core.generated.autoscaler_pb2 import ClusterConfig, NodeGroupConfig
from ray.core.generated.common_pb2 import Bundle
from ray.core.generated.gcs_pb2 import PlacementGroupTableData

from cluster import ray_private

FIELDS = {
    PlacementGroupTableData: {
        "creator_job_id",
        "creator_actor_id",
        "creator_actor_dead",
        "placement_group_id",
        "state",
        "bundles",
    },
    Bundle: {"unit_resources"},
    ClusterConfig: {"node_group_configs"},
    NodeGroupConfig: {"resources", "max_count"},
}
ATTRIBUTES = {
    PlacementGroupTableData: ("PENDING", "RESCHEDULING", "CREATED"),
    GlobalState: ("_connect_and_get_accessor", "get_cluster_config"),
    Node: ("webui_url", "get_session_dir_path"),
    ray_private.worker: ("_global_node",),
    ray_private.ray_constants: ("ENABLE_RAY_CLUSTER", "ENABLE_RAY_CLUSTERS_ENV_VAR"),
    ray_private.Config: ("initialize",),
    ray_private.AuthenticationTokenLoader: ("instance", "reset_cache"),
}


def test_this_ray_has_every_private_part_that_is_used() -> None:
    missing = [
        f"{message.__name__}.{name}"
        for message, names in FIELDS.items()
        for name in names - set(message.DESCRIPTOR.fields_by_name)
    ]
    missing += [
        f"{owner.__name__}.{name}"
        for owner, names in ATTRIBUTES.items()
        for name in names
        if not hasattr(owner, name)
    ]
    assert not missing, f"Ray {ray.__version__} lacks {missing}: see cluster/ray_private.py"


def test_parts_that_need_no_cluster_answer() -> None:
    assert ray_private.local_gpus() >= 0
    assert bool(ray_private.local_gpu_type()) == bool(ray_private.local_gpus())
    assert ray_private.address_for_localhost("192.168.1.10") == "192.168.1.10"
