"""The use of processors and memory by a lane's ranks, sampled once per epoch."""

import time

import psutil
import torch

from trainables.training.ranks import num_ranks, sum_over_ranks

_MEGABYTE = 2**20
_NAMES = ("cpu_percent", "memory_megabytes", "data_wait_percent", "gpu_memory_megabytes")


class Usage:
    """Samples this lane's processor time and memory. All ranks must sample at the same time."""

    def __init__(self, device: torch.device) -> None:
        """The first sample counts from this call."""
        self._device = device
        self._process = psutil.Process()
        self._mark = self._clock()

    def sample(self, wait_share: float = 0.0) -> dict[str, float]:
        """Sums over all ranks since the last sample.

        Args:
            wait_share: of this rank's training in that time, in which it waited for its images.

        Returns:
            Processor time in percent of one core; resident memory in MiB; the percentage of the
            training in which a rank waited for its images, their mean; and, on GPUs, the memory
            that PyTorch has reserved, in MiB.
        """
        before, self._mark = self._mark, self._clock()
        wall, cpu = self._mark[0] - before[0], self._mark[1] - before[1]
        on_gpu = self._device.type == "cuda"
        gpu = torch.cuda.memory_reserved(self._device) / _MEGABYTE if on_gpu else 0.0
        memory = self._process.memory_info().rss / _MEGABYTE
        percent = 100 * cpu / max(wall, 1e-9)
        waited = 100 * wait_share / num_ranks()
        used = sum_over_ranks(torch.tensor([percent, memory, waited, gpu], device=self._device))
        figures = dict(zip(_NAMES, (round(value, 1) for value in used.tolist()), strict=True))
        return figures if on_gpu else {name: figures[name] for name in _NAMES[:3]}

    def _clock(self) -> tuple[float, float]:
        times = self._process.cpu_times()
        return time.monotonic(), times.user + times.system
