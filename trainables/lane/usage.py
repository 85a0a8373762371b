"""The use of processors, memory and GPUs by a lane's ranks, sampled once per epoch."""

import math
import time
from dataclasses import dataclass

import psutil
import torch

from trainables.training.gpu_use import NAMES, Gauge, GpuUse
from trainables.training.ranks import num_ranks, rank, sum_over_ranks
from trainables.training.training import Training

_MEGABYTE = 2**20
_ALWAYS = ("cpu_percent", "memory_megabytes", "data_wait_percent")
_IF_ANY = ("gpu_memory_megabytes", "data_processes", "data_device_megabytes")


@dataclass(frozen=True)
class Reading:
    """How a trial's batches came in an epoch, on this rank."""

    wait_share: float = 0.0
    """Of the training, in which no step ran because its batch was not there."""
    processes: int = 0
    """That made batches."""
    device_bytes: int = 0
    """Of lists in the device's memory."""

    @classmethod
    def of(cls, training: Training) -> "Reading":
        loader = training.loader
        return cls(training.wait_share, loader.processes, loader.device_bytes)


NOTHING_READ = Reading()


class Usage:
    """Samples this lane's processor time, memory and GPUs. All ranks must sample at the same
    time."""

    def __init__(self, device: torch.device, gauge: Gauge | None = None) -> None:
        """The first sample counts from this call. ``gauge`` reads the device, if anything can."""
        self._device = device
        self._gpu = GpuUse(gauge)
        self._process = psutil.Process()
        self._mark = self._clock()

    def sample(self, reading: Reading = NOTHING_READ) -> dict[str, float]:
        """Figures since the last sample.

        Returns:
            Over all ranks, processor time in percent of one core; resident memory in MiB; the
            percentage of the training in which a rank waited for its images, their mean; and,
            where there are any, the most memory that PyTorch had reserved on GPUs in MiB, the
            processes that made batches, and the lists that lie in devices' memory in MiB. For the
            GPU of each rank N, under MLflow's names ``gpu_N_...``, what NVML says of it with all
            processes on it: its mean utilisation, and the most memory in use; nothing of these
            where NVML says nothing.
        """
        before, self._mark = self._mark, self._clock()
        wall, cpu = self._mark[0] - before[0], self._mark[1] - before[1]
        memory = self._process.memory_info().rss / _MEGABYTE
        percent, waited = 100 * cpu / max(wall, 1e-9), 100 * reading.wait_share / num_ranks()
        some = [self._reserved(), reading.processes, reading.device_bytes / _MEGABYTE]
        # Each rank fills its own places, so that their sum has all of them.
        places = [0.0] * (len(NAMES) * num_ranks())
        own = slice(len(NAMES) * rank(), len(NAMES) * (rank() + 1))
        places[own] = self._gpu.take()
        mine = [percent, memory, waited, *some, *places]
        used = sum_over_ranks(torch.tensor(mine, device=self._device)).tolist()
        sums = dict(zip((*_ALWAYS, *_IF_ANY), used, strict=False))
        known = {name: value for name, value in sums.items() if name in _ALWAYS or value}
        figures = known | _by_rank(used[len(sums) :])
        return {name: round(value, 1) for name, value in figures.items()}

    def _reserved(self) -> float:
        """The most since the last sample, in MiB."""
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
