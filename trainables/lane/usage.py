"""The use of processors, memory and GPUs by a lane's ranks, sampled once per epoch."""

import math
import time

import psutil
import torch

from trainables.training.gpu_use import NAMES, Gauge, GpuUse
from trainables.training.ranks import num_ranks, rank, sum_over_ranks

_MEGABYTE = 2**20
_SUMS = ("cpu_percent", "memory_megabytes", "gpu_memory_megabytes")


class Usage:
    """Samples this lane's processor time, memory and GPUs. All ranks must sample at the same
    time."""

    def __init__(self, device: torch.device, gauge: Gauge | None = None) -> None:
        """The first sample counts from this call. ``gauge`` reads the device, if anything can."""
        self._device = device
        self._gpu = GpuUse(gauge)
        self._process = psutil.Process()
        self._mark = self._clock()

    def sample(self) -> dict[str, float]:
        """Figures since the last sample.

        Returns:
            Over all ranks, processor time in percent of one core, resident memory and, on GPUs,
            the most memory that PyTorch had reserved, in MiB. For the GPU of each rank N, under
            MLflow's names ``gpu_N_...``, what NVML says of it with all processes on it: its mean
            utilisation, and the most memory in use; nothing of these where NVML says nothing.
        """
        before, self._mark = self._mark, self._clock()
        wall, cpu = self._mark[0] - before[0], self._mark[1] - before[1]
        memory = self._process.memory_info().rss / _MEGABYTE
        sums = [100 * cpu / max(wall, 1e-9), memory, self._reserved()]
        # Each rank fills its own places, so that their sum has all of them.
        places = [0.0] * (len(NAMES) * num_ranks())
        own = slice(len(NAMES) * rank(), len(NAMES) * (rank() + 1))
        places[own] = self._gpu.take()
        used = sum_over_ranks(torch.tensor([*sums, *places], device=self._device)).tolist()
        figures = dict(zip(_SUMS, used, strict=False)) | _by_rank(used[len(_SUMS) :])
        if self._device.type != "cuda":
            del figures[_SUMS[2]]
        return {name: round(value, 1) for name, value in figures.items()}

    def _reserved(self) -> float:
        if self._device.type != "cuda":
            return 0.0
        most = torch.cuda.max_memory_reserved(self._device) / _MEGABYTE
        torch.cuda.reset_peak_memory_stats(self._device)
        return most

    def _clock(self) -> tuple[float, float]:
        times = self._process.cpu_times()
        return time.monotonic(), times.user + times.system


def _by_rank(places: list[float]) -> dict[str, float]:
    """The figures of each rank's GPU that are known."""
    named = [f"gpu_{at // len(NAMES)}_{NAMES[at % len(NAMES)]}" for at in range(len(places))]
    pairs = zip(named, places, strict=True)
    return {name: value for name, value in pairs if not math.isnan(value)}
