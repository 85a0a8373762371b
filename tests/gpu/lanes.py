"""Lanes that share the device: what auto measures, shares that hold, the batch that fits."""

import math
import time

import torch

from tests.gpu import scale
from tests.gpu.table import Line, Lines, judged, not_measured
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.batch_fit import GIB, gib
from trainables.training.gpu_memory import CudaMeter, keep_to_share, run_steps
from trainables.training.gpu_need import Recipe, from_tried_steps, measured
from trainables.training.gpu_sharing import by_memory, by_utilization
from trainables.training.gpu_use import GpuUse, gauge_of

CHECK = "lanes of one device"
_SHARES = ("a lane of a quarter", "a neighbour's step beside one that runs out of memory")
_SMALL = 2 * GIB
"""Of memory, in which a batch of 64 does not fit."""


class CpuMeter:
    """Stands in for a GPU's memory in the dry form."""

    def restart(self) -> None: ...

    def peak(self) -> int:
        return GIB

    def limit(self) -> int:
        return 80 * GIB


def lines(device: torch.device) -> Lines:
    size = scale.of(device)
    config = scale.trial(size, size.networks[0])
    yield _decision(config, device)
    if device.type == "cpu":
        for what in (*_SHARES, "the batch that fits", "utilisation by NVML"):
            yield not_measured(CHECK, what, "needs a GPU")
        return
    yield _utilization(config, device)
    yield from _shares(config, device)


def _decision(config: TrialConfig, device: torch.device) -> Line:
    """The figures from which auto decides for this config, and the lanes that they allow."""
    what, meter = "--gpus-per-worker auto", CudaMeter(device) if device.type == "cuda" else None
    recipe = Recipe(config, load(config.data), Learned())
    need = measured(recipe, device, meter or CpuMeter())
    if device.type == "cpu":
        return not_measured(CHECK, what, "the steps ran; the figures are a GPU's")
    lanes = min(by_memory(need.peak, need.beside, need.total), by_utilization(need.busy))
    busy = "unknown" if need.busy is None else f"{100 * need.busy:.0f} %"
    text = (
        f"{lanes} lanes: batch {need.batch} of {need.size} takes {gib(need.peak)} and "
        f"{gib(need.beside)} beside it of {gib(need.total)}, busy {busy}"
    )
    fits = 0 < lanes * (need.peak + need.beside) <= need.total
    return judged(CHECK, what, "lanes fit, busy is known", text, fits and bool(need.busy))


def _utilization(config: TrialConfig, device: torch.device) -> Line:
    what, gauge = "utilisation by NVML", gauge_of(device)
    if gauge is None:
        return not_measured(CHECK, what, "NVML is not here (pip install nvidia-ml-py)")
    use, dataset, end = GpuUse(gauge, 0.2), load(config.data), time.monotonic() + 3
    while time.monotonic() < end:
        run_steps(config, dataset, Learned(), device)
    percent, used, share = use.take()
    text = f"{percent:.0f} %, {used:.0f} MB in use, {share:.0f} % of the memory"
    return judged(CHECK, what, "a percentage", text, not math.isnan(percent) and 0 < share <= 100)


def _shares(config: TrialConfig, device: torch.device) -> Lines:
    """One lane's limit, and what its overrun leaves of the GPU to the others."""
    _, total = torch.cuda.mem_get_info(device)
    keep_to_share(device, 0.25)
    limit = torch.cuda.get_per_process_memory_fraction(device) * total
    text = f"{limit / GIB:.1f} of {total / GIB:.1f} GiB"
    yield judged(CHECK, _SHARES[0], "at most a quarter", text, 0 < limit <= total / 4)
    try:
        taken = torch.empty(int(limit) + GIB, dtype=torch.uint8, device=device)
        held, text = False, f"{taken.numel()} bytes were given"
    except torch.OutOfMemoryError:
        free, _ = torch.cuda.mem_get_info(device)
        held, text = free > total / 2, f"{free / GIB:.1f} GiB are left for others"
    yield judged(CHECK, _SHARES[1], "more than half is left", text, held)
    torch.cuda.set_per_process_memory_fraction(min(_SMALL / total, 1.0), device)
    yield _named_batch(config, device)
    torch.cuda.set_per_process_memory_fraction(1.0, device)


def _named_batch(config: TrialConfig, device: torch.device) -> Line:
    """The line of an out-of-memory error, and whether the batch that it names trains."""
    large, meter = config.changed({"batch": 64, "data/train_images": 64}), CudaMeter(device)
    line = from_tried_steps(Recipe(large, load(large.data), Learned()), device, meter)
    named = line.partition("; batch ")[2].partition(" fits")[0]
    good = named.isdigit() and 0 < int(named) < 64
    return judged(CHECK, "the batch that fits", "one below 64, measured", line, good)
