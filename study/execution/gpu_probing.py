"""Measures a plan's largest config alone on a GPU, before its lanes start."""

from collections.abc import Sequence
from dataclasses import replace

import ray

from cluster.accelerators import accelerators
from cluster.resources import Node
from search_spaces import Space
from study.ledger.plan import Plan
from study.planning.budget import duration
from study.planning.gpu_lanes import decided
from study.planning.largest import largest
from study.planning.runs import place
from trainables.config import TrialConfig, flatten, refused
from trainables.data import Dataset
from trainables.data.device_memory import most_held
from trainables.lane.gpu_probe import probe
from trainables.plugin import Plugin
from trainables.training.gpu_memory import few_batches
from trainables.training.gpu_need import TIMED_BATCHES, GpuNeed


def with_share(
    plan: Plan, space: Space, dataset: Dataset, nodes: Sequence[Node], patience_s: float
) -> Plan:
    """The plan with the share of a GPU that its lanes have, and with the lanes that then fit.

    Raises:
        ValueError: the GPUs differ, the config does not fit, its steps raise an error, or no GPU
            becomes free.
    """
    kinds = accelerators()
    if ", " in kinds:  # a share of the largest card may be too little of another
        raise refused("--gpus-per-worker", "a number on GPUs of several kinds", f"auto on {kinds}")
    config = largest(plan, space, dataset)
    need = _need(plan, config, dataset, patience_s)
    need = replace(need, lists=most_held(dataset, config.data, need.total))
    at_once = min(plan.trials, plan.most_lanes or plan.trials)
    share = decided(need, nodes, plan.cpus_per_worker, at_once)
    shared = replace(plan, gpu_share=share, gpus_per_worker=share_in_ray(share.lanes))
    try:
        return place(shared, list(nodes), plan.most_lanes)
    except ValueError as error:  # more lanes are wanted
        raise ValueError(f"{error}: {share}") from None


def share_in_ray(lanes: int) -> float:
    """A lane's part of a GPU; Ray counts ten-thousandths, and all lanes must fit into one."""
    return int(10_000 / lanes) / 10_000


def _need(plan: Plan, config: TrialConfig, dataset: Dataset, patience_s: float) -> GpuNeed:
    plugin = plan.plugin
    file = None if plugin is None else Plugin(plugin.name, plugin.text)
    task = ray.remote(num_cpus=plan.cpus_per_worker, num_gpus=1, max_calls=1)(probe)
    try:
        need: GpuNeed = ray.get(
            task.remote(flatten(config), few_batches(config, dataset, TIMED_BATCHES), file),
            timeout=patience_s,
        )
    except ray.exceptions.GetTimeoutError:
        raise ValueError(
            f"--gpus-per-worker auto: no GPU was free for {duration(patience_s)}, to measure on"
        ) from None
    except ray.exceptions.RayTaskError as error:
        cause = " ".join(str(error.cause).split())
        raise ValueError(
            f"--gpus-per-worker auto: the first steps on a GPU raised "
            f"{type(error.cause).__name__}: {cause}"
        ) from None
    return need
