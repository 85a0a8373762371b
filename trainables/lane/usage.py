"""The use of processors and memory by a lane's ranks, sampled once per epoch."""

import time
from dataclasses import dataclass

import psutil
import torch

from trainables.training.ranks import num_ranks, sum_over_ranks
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
    """Samples this lane's processor time and memory. All ranks must sample at the same time."""

    def __init__(self, device: torch.device) -> None:
        """The first sample counts from this call."""
        self._device = device
        self._process = psutil.Process()
        self._mark = self._clock()

    def sample(self, reading: Reading = NOTHING_READ) -> dict[str, float]:
        """Sums over all ranks since the last sample.

        Returns:
            Processor time in percent of one core; resident memory in MiB; the percentage of the
            training in which a rank waited for its images, their mean; and, where there are any,
            the memory that PyTorch has reserved on GPUs in MiB, the processes that made batches,
            and the lists that lie in devices' memory in MiB.
        """
        before, self._mark = self._mark, self._clock()
        wall, cpu = self._mark[0] - before[0], self._mark[1] - before[1]
        on_gpu = self._device.type == "cuda"
        gpu = torch.cuda.memory_reserved(self._device) / _MEGABYTE if on_gpu else 0.0
        memory = self._process.memory_info().rss / _MEGABYTE
        percent = 100 * cpu / max(wall, 1e-9)
        waited = 100 * reading.wait_share / num_ranks()
        lists = reading.device_bytes / _MEGABYTE
        mine = [percent, memory, waited, gpu, reading.processes, lists]
        used = sum_over_ranks(torch.tensor(mine, device=self._device)).tolist()
        figures = zip((*_ALWAYS, *_IF_ANY), (round(value, 1) for value in used), strict=True)
        return {name: value for name, value in figures if name in _ALWAYS or value}

    def _clock(self) -> tuple[float, float]:
        times = self._process.cpu_times()
        return time.monotonic(), times.user + times.system
