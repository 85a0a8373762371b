"""The private parts of Ray that a lane needs; tested with Ray 2.58 to 2.60.

Ray's public ``placement_group_table()`` leaves out which actor created a group and whether that
actor is dead; its ``TorchConfig`` has no option for the address on which torch listens; its
trainer has none against the process that hands out Ray's datasets.
``tests/trainables/lane/test_ray_private.py`` fails when a new Ray changes one of these.
"""

from typing import TYPE_CHECKING

import ray
from ray._private.state import state
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.train.torch import TorchTrainer
from ray.train.torch.config import _set_torch_distributed_env_vars, _TorchBackend
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.util.placement_group import PlacementGroup

if TYPE_CHECKING:
    from ray.train.v2._internal.execution.callback import RayTrainCallback
    from ray.train.v2._internal.execution.worker_group import WorkerGroup

__all__ = [
    "NVML",
    "TorchBackend",
    "TrainerWithoutDatasets",
    "WorkerGroup",
    "orphaned_placement_groups",
    "set_torch_variables",
]

NVML = ("pynvml", "ray._private.thirdparty.pynvml")
"""Where the module that reads NVIDIA GPUs may be: installed, or the copy that Ray itself uses."""

TorchBackend = _TorchBackend
"""What a ``TorchConfig`` runs on every worker, and how it sets the process group up."""
set_torch_variables = _set_torch_distributed_env_vars
"""Sets RANK, WORLD_SIZE, ACCELERATE_TORCH_DEVICE and the like in a worker."""


class TrainerWithoutDatasets(TorchTrainer):
    """Ray Train's trainer without the process of each worker group that hands out Ray's datasets.

    A lane has none of them: its ranks read images by themselves.
    """

    def _create_default_callbacks(self) -> "list[RayTrainCallback]":
        made = super()._create_default_callbacks()
        return [callback for callback in made if not isinstance(callback, DatasetsCallback)]


def orphaned_placement_groups() -> list[PlacementGroup]:
    """The placement groups of this job whose creator was an actor that is dead."""
    job, no_actor = ray.get_runtime_context().get_job_id(), ("", ray.ActorID.nil().hex())
    orphans = []
    for row in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(row)
        if group.creator_job_id.hex() != job or group.state == PlacementGroupTableData.REMOVED:
            continue
        # Groups of a driver, Tune's among them, have no actor, which Ray also marks as dead.
        if group.creator_actor_dead and group.creator_actor_id.hex() not in no_actor:
            orphans.append(PlacementGroup(ray.PlacementGroupID(group.placement_group_id)))
    return orphans
