"""Ray's private API is as ``trainables/lane/ray_private.py`` reads it."""

import inspect

import ray
from ray._private import state
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.train.torch import TorchTrainer
from ray.train.torch import config as train_torch

from trainables.lane.ray_private import TrainerWithoutDatasets

FIELDS = {"creator_job_id", "creator_actor_id", "creator_actor_dead", "placement_group_id", "state"}


def test_this_ray_has_what_finds_orphaned_placement_groups() -> None:
    missing = FIELDS - {field.name for field in PlacementGroupTableData.DESCRIPTOR.fields}
    if not hasattr(PlacementGroupTableData, "REMOVED"):
        missing.add("REMOVED")
    if not hasattr(state.state, "_connect_and_get_accessor"):
        missing.add("_connect_and_get_accessor")
    assert not missing, f"Ray {ray.__version__} lacks {sorted(missing)}: see lane/ray_private.py"


def test_this_ray_has_what_keeps_a_process_group_on_loopback() -> None:
    missing = {"_TorchBackend", "_set_torch_distributed_env_vars"} - set(vars(train_torch))
    assert not missing, f"Ray {ray.__version__} lacks {sorted(missing)}: see lane/ray_private.py"
    on_start = inspect.signature(train_torch._TorchBackend.on_start)
    assert list(on_start.parameters) == ["self", "worker_group", "backend_config"]


def test_a_lane_starts_no_process_for_ray_s_datasets() -> None:
    names = [
        [type(callback).__name__ for callback in kind(lambda: None)._create_default_callbacks()]
        for kind in (TorchTrainer, TrainerWithoutDatasets)
    ]
    assert "DatasetsCallback" in names[0], f"Ray {ray.__version__}: see lane/ray_private.py"
    assert names[1] == [name for name in names[0] if name != "DatasetsCallback"]
