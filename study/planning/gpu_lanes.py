"""How many lanes share a GPU: decided from what one lane was measured to take of it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cluster.resources import LaneRequest, Node
from study.ledger.gpu_share import AUTO, GpuShare, Limit
from study.planning.request import StudyRequest
from trainables.config import require
from trainables.training.batch_fit import MIB
from trainables.training.gpu_sharing import by_memory, by_utilization

if TYPE_CHECKING:  # torch takes seconds to import, and a refusal needs none
    from trainables.training.gpu_need import GpuNeed


def lane_of(request: StudyRequest, batch: int, nodes: Sequence[Node]) -> LaneRequest:
    """The resources of the requested lanes; with ``auto``, a whole GPU until it is measured.

    Raises:
        ValueError: one is out of range, no GPU is there to measure, or a rank would have no image
            of a batch.
    """
    gpus = request.gpus_per_worker
    if isinstance(gpus, str):
        require(gpus == AUTO, "--gpus-per-worker", f"a number or {AUTO}", gpus)
        has_gpu = any(node.gpus >= 1 for node in nodes)
        require(has_gpu, "--gpus-per-worker", "0 on machines without a GPU", gpus)
        gpus = 1.0
    lane = LaneRequest(request.workers, request.cpus_per_worker, gpus)
    if batch < lane.workers:
        raise ValueError(f"batch must be at least the {lane.workers} workers, got {batch}")
    return lane


def share_of(request: StudyRequest) -> GpuShare | None:
    """The share to measure; None where the user has given one."""
    if request.gpus_per_worker != AUTO:
        return None
    return GpuShare() if request.workers == 1 else GpuShare(lanes=1, limited_by="workers")


def lanes_now(share: GpuShare | None, wanted: int) -> int:
    """How many of the wanted lanes must fit now: until a share is measured, each has a whole GPU,
    and one is enough; 0 stays all that fit."""
    return min(wanted, 1) if share is not None and not share.lanes else wanted


def decided(
    need: "GpuNeed", nodes: Sequence[Node], cpus_per_worker: float, trials: int
) -> GpuShare:
    """How many lanes share each GPU: as many as memory, utilisation, CPUs and trials allow.

    Args:
        need: of the largest config, alone on a GPU.
        nodes: the machines.
        trials: those that could run at once.

    Raises:
        ValueError: not even one lane fits.
    """
    if need.refused:
        raise ValueError(f"--gpus-per-worker {AUTO}: {need.refused}")
    gpus = sum(math.floor(node.gpus) for node in nodes)
    allowed: dict[Limit, int] = {
        "memory": by_memory(need.peak + need.lists, need.beside, need.total),
        "utilisation": by_utilization(need.busy),
        "CPUs": by_cpus(nodes, cpus_per_worker),
        "trials": math.ceil(trials / max(gpus, 1)),
    }
    limit = min(allowed, key=lambda kind: allowed[kind])
    return GpuShare(
        lanes=max(allowed[limit], 1),
        limited_by=limit,
        device=need.device,
        batch=need.batch,
        size=need.size,
        peak_mib=round(need.peak / MIB, 1),
        context_mib=round(need.beside / MIB, 1),
        total_mib=round(need.total / MIB, 1),
        lists_mib=round(need.lists / MIB, 1),
        utilization=None if need.busy is None else round(100 * need.busy, 1),
    )


def by_cpus(nodes: Sequence[Node], cpus_per_worker: float) -> int:
    """Lanes a GPU for which the machine with the most CPUs a GPU has CPUs."""
    cpus = max(node.cpus / node.gpus for node in nodes if node.gpus >= 1)
    return math.floor(cpus / cpus_per_worker + 1e-9)
