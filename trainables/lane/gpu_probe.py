"""What a lane's steps take of a GPU, measured with nothing else of the study on it."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

from trainables.config import TrialConfig, flatten, from_flat
from trainables.config.validation import Value
from trainables.data import Dataset
from trainables.lane.out_of_memory import Recipe, from_tried_steps
from trainables.plugin import Plugin, install
from trainables.stages.registry import untrained
from trainables.training.batch_fit import size_of
from trainables.training.gpu_memory import (
    MORE_EPOCHS,
    CudaMeter,
    Meter,
    peak_of,
    run_steps,
)
from trainables.training.training import Training

_ENOUGH_S, _MOST_STEPS = 2.0, MORE_EPOCHS - 1
"""Steps are timed for so long, or so many."""


@dataclass(frozen=True, kw_only=True)
class GpuNeed:
    """What the steps of one config take of a GPU."""

    batch: int
    size: str
    """Of its images, in words."""
    peak: int
    """Bytes of PyTorch's pool at most."""
    beside: int
    """Bytes of the GPU that are in use beside the pool: CUDA's context, libraries, and whatever
    other processes hold."""
    total: int
    """Bytes of the GPU; of a MIG slice, those of the slice."""
    busy: float | None
    """Share of a step's time in which the GPU computes, in [0,1]; None if it cannot be measured."""
    device: str
    """The GPU's name."""
    refused: str = ""
    """Why the config does not fit at all, in one line with its figures; "" if it fits."""


def probe(flat: dict[str, Value], dataset: Dataset, plugin: Plugin | None = None) -> GpuNeed:
    """Run a config's first steps on this process's first GPU.

    Args:
        flat: the config, by path.
        dataset: with at least a batch of training and of validation images.
        plugin: the user's own file that the trials run with.
    """
    if plugin is not None:
        install(plugin)
    device = torch.device("cuda")
    return measured(from_flat(flat), dataset, device, CudaMeter(device))


def measured(config: TrialConfig, dataset: Dataset, device: torch.device, meter: Meter) -> GpuNeed:
    """The need of a config on a device."""
    learned = untrained(config, dataset.num_classes)
    try:
        peak = peak_of(config, dataset, learned, device, meter)
        busy = None
        if peak is not None and device.type == "cuda":
            busy = _busy(run_steps(config, dataset, learned, device), device)
        beside, total, name = _device_facts(device)
        recipe = Recipe(config, dataset, learned)
        refused = "" if peak is not None else from_tried_steps(recipe, device, meter)
    finally:
        meter.restart()
    return GpuNeed(
        batch=config.batch,
        size=size_of(flatten(config)),
        peak=peak or 0,
        beside=beside,
        total=total,
        busy=busy,
        device=name,
        refused=refused,
    )


def _busy(training: Training, device: torch.device) -> float | None:
    """The device's time of a step over the step's own time, which is taken without a profiler."""

    def step() -> None:
        training.train_epoch()
        torch.cuda.synchronize(device)

    step_s = _seconds(step)
    try:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
            step()
        kernels_s = sum(each.self_device_time_total for each in seen.key_averages()) / 1e6
    except (RuntimeError, AttributeError):  # CUPTI is not allowed here, or absent
        return None
    return min(kernels_s / step_s, 1.0) if kernels_s else None


def _seconds(step: Callable[[], None]) -> float:
    """The mean time of a step."""
    begin, count = perf_counter(), 0
    while count < _MOST_STEPS and perf_counter() - begin < _ENOUGH_S:
        step()
        count += 1
    return (perf_counter() - begin) / count


def _device_facts(device: torch.device) -> tuple[int, int, str]:
    if device.type != "cuda":
        return 0, 0, device.type
    free, total = torch.cuda.mem_get_info(device)
    beside = total - free - torch.cuda.memory_reserved(device)
    return max(beside, 0), total, torch.cuda.get_device_name(device)
