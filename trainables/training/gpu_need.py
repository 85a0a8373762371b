"""What a config's steps take of a GPU, and which batch fits, from steps that are run."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

from trainables.config import TrialConfig, flatten
from trainables.data import Dataset
from trainables.losses.batch import Learned
from trainables.training.batch_fit import largest_batch, size_of, too_large
from trainables.training.gpu_memory import MORE_EPOCHS, Meter, peak_of, run_steps
from trainables.training.training import Training

TIMED_BATCHES = 8
"""Of an epoch that is timed: one batch alone would be mostly the epoch's own beginning and end."""
_ENOUGH_S, _MOST_EPOCHS = 2.0, MORE_EPOCHS - 1
"""Epochs are timed for so long, or so many."""


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
    lists: int = 0
    """Bytes of PyTorch's pool for lists of images, if a lane holds them there."""
    busy: float | None
    """Share of a step's time in which the GPU computes, in [0,1]; None if it cannot be measured."""
    device: str
    """The GPU's name."""
    refused: str = ""
    """Why the config does not fit at all, in one line with its figures; "" if it fits."""


@dataclass(frozen=True)
class Recipe:
    """What a trial's training is built from."""

    config: TrialConfig
    dataset: Dataset
    learned: Learned


def measured(recipe: Recipe, device: torch.device, meter: Meter) -> GpuNeed:
    """The need of a config on a device."""
    config, dataset, learned = recipe.config, recipe.dataset, recipe.learned
    try:
        peak = peak_of(config, dataset, learned, device, meter)
        busy = None
        if peak is not None and device.type == "cuda":
            busy = _busy(run_steps(config, dataset, learned, device, TIMED_BATCHES), device)
        beside, total, name = _device_facts(device)
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
    """The device's time over that of the steps themselves, which is taken without a profiler."""

    def epoch() -> None:
        training.train_epoch()
        torch.cuda.synchronize(device)

    epoch_s = _seconds(epoch)
    try:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
            epoch()
        kernels_s = sum(each.self_device_time_total for each in seen.key_averages()) / 1e6
    except (RuntimeError, AttributeError):  # CUPTI is not allowed here, or absent
        return None
    return min(kernels_s / epoch_s, 1.0) if kernels_s else None


def _seconds(epoch: Callable[[], None]) -> float:
    """The mean time of an epoch."""
    begin, count = perf_counter(), 0
    while count < _MOST_EPOCHS and perf_counter() - begin < _ENOUGH_S:
        epoch()
        count += 1
    return (perf_counter() - begin) / count


def _device_facts(device: torch.device) -> tuple[int, int, str]:
    if device.type != "cuda":
        return 0, 0, device.type
    free, total = torch.cuda.mem_get_info(device)
    beside = total - free - torch.cuda.memory_reserved(device)
    return max(beside, 0), total, torch.cuda.get_device_name(device)


def from_tried_steps(recipe: Recipe, device: torch.device, meter: Meter) -> str:
    """What a trial's batch needs and the largest that fits, from steps that are tried."""
    config, dataset = recipe.config, recipe.dataset

    def peak(batch: int) -> int | None:
        smaller = config.changed({"batch": batch})
        return peak_of(smaller, dataset, recipe.learned, device, meter)

    try:
        limit = meter.limit()
        fit = largest_batch(peak, min(config.batch, len(dataset.splits["train"])), limit)
    except Exception as error:  # the trial has failed for its memory, and the study continues
        return untried(recipe, f"that raised {type(error).__name__}")
    return too_large(config.batch, size_of(flatten(config)), fit, limit)


def untried(recipe: Recipe, why: str) -> str:
    """The line where no step could be tried, and why."""
    config = recipe.config
    return (
        f"batch {config.batch} of {size_of(flatten(config))} does not fit into the GPU's memory; "
        f"smaller ones were not tried, since {why}"
    )
