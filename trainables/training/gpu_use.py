"""How busy a GPU is and how much of its memory is in use, read from NVML between epochs."""

import math
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Protocol

import torch

_PERIOD_S = 1.0
"""Between two readings: NVML itself renews its figure every 1/6 to 1 s."""
MEGABYTE = 1_000_000
"""MLflow's own unit of ``system/gpu_0_memory_usage_megabytes``."""
NAMES = ("utilization_percentage", "memory_usage_megabytes", "memory_usage_percentage")


@dataclass(frozen=True)
class Reading:
    """The GPU at one moment, by all processes together."""

    percent: float
    """Of the last second or less, the time in which a kernel ran; NaN where that is unknown, as on
    a MIG slice."""
    used: int
    """Bytes."""
    total: int
    """Bytes; of a MIG slice, its own."""


class Gauge(Protocol):
    """What reads a GPU."""

    def read(self) -> Reading:
        """The GPU now.

        Raises:
            Exception: it cannot be read, now or ever.
        """


class NvmlGauge:
    """Reads a GPU, or a MIG slice, through NVML."""

    def __init__(self, nvml: ModuleType, uuid: str) -> None:
        """``nvml`` is the module ``pynvml``; ``uuid`` is torch's, without NVML's prefix."""
        self._nvml = nvml
        nvml.nvmlInit()
        self._handle = self._found(uuid)

    def _found(self, uuid: str) -> object:
        """The handle: by its id, since NVML's numbers ignore CUDA_VISIBLE_DEVICES."""
        try:
            return self._nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode())
        except self._nvml.NVMLError:
            return self._nvml.nvmlDeviceGetHandleByUUID(f"MIG-{uuid}".encode())

    def read(self) -> Reading:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(self._handle)
        try:
            percent = float(self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)
        except self._nvml.NVMLError:
            percent = math.nan
        return Reading(percent, int(memory.used), int(memory.total))


def gauge_of(device: torch.device, modules: Iterable[str] = ("pynvml",)) -> Gauge | None:
    """The gauge of a device; None for a CPU, and where NVML is absent or refuses.

    Args:
        modules: names under which ``pynvml`` may be installed; the first that works is used.
    """
    if device.type != "cuda":
        return None
    for name in modules:
        try:
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            return NvmlGauge(import_module(name), uuid)
        except Exception:  # not installed, no driver, another GPU's container: no figures then
            continue
    return None


def summary(readings: Iterable[Reading]) -> tuple[float, float, float]:
    """By ``NAMES``: the mean utilisation, the most memory in megabytes and in percent; NaN where
    nothing was read."""
    read = list(readings)
    if not read:
        return math.nan, math.nan, math.nan
    known = [each.percent for each in read if not math.isnan(each.percent)]
    most = max(read, key=lambda each: each.used)
    mean = sum(known) / len(known) if known else math.nan
    return mean, most.used / MEGABYTE, 100 * most.used / most.total


class GpuUse:
    """Reads a GPU once a second in a thread, and sums up what it has read since the last time."""

    def __init__(self, gauge: Gauge | None, period_s: float = _PERIOD_S) -> None:
        self._gauge = gauge
        self._readings: list[Reading] = []
        if gauge is not None:
            # A daemon: a rank must be able to exit at any time.
            threading.Thread(target=self._follow, args=(gauge.read, period_s), daemon=True).start()

    def _follow(self, read: Callable[[], Reading], period_s: float) -> None:
        with suppress(Exception):  # the GPU is gone or NVML was shut down: its figures end
            while True:
                time.sleep(period_s)
                self._readings.append(read())

    def take(self) -> tuple[float, float, float]:
        """As ``summary``, since the last call; an epoch shorter than a period is read once."""
        read, self._readings = self._readings, []
        if not read and self._gauge is not None:
            try:
                read = [self._gauge.read()]
            except Exception:
                self._gauge = None
        return summary(read)
