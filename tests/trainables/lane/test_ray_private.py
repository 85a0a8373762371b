"""Ray's private API is as ``trainables/lane/ray_private.py`` reads it."""

import ray
from ray._private import state
from ray.core.generated.gcs_pb2 import PlacementGroupTableData

FIELDS = {"creator_job_id", "creator_actor_id", "creator_actor_dead", "placement_group_id", "state"}


def test_this_ray_has_what_finds_orphaned_placement_groups() -> None:
    missing = FIELDS - {field.name for field in PlacementGroupTableData.DESCRIPTOR.fields}
    if not hasattr(PlacementGroupTableData, "REMOVED"):
        missing.add("REMOVED")
    if not hasattr(state.state, "_connect_and_get_accessor"):
        missing.add("_connect_and_get_accessor")
    assert not missing, f"Ray {ray.__version__} lacks {sorted(missing)}: see lane/ray_private.py"
