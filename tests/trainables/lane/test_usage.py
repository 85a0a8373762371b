"""What a lane's ranks use, without a GPU: a gauge gives what NVML would."""

import math
from importlib import import_module
from time import monotonic, sleep

import pytest
import torch

from trainables.lane import usage
from trainables.lane.ray_private import NVML
from trainables.lane.usage import Usage
from trainables.training.gpu_use import GpuUse, Reading, gauge_of, summary

CPU = torch.device("cpu")
GB = 10**9


class Readings:
    """Gives these readings one after the other, then fails as a GPU that is gone."""

    def __init__(self, *readings: Reading) -> None:
        self.left = list(readings)

    def read(self) -> Reading:
        return self.left.pop(0)


def test_utilisation_is_a_mean_and_memory_the_most() -> None:
    read = [Reading(10, 2 * GB, 8 * GB), Reading(50, 6 * GB, 8 * GB), Reading(30, GB, 8 * GB)]
    assert summary(read) == (30.0, 6000.0, 75.0)


def test_a_mig_slice_has_memory_and_no_utilisation() -> None:
    percent, used, share = summary([Reading(math.nan, 4 * GB, 5 * GB)])
    assert math.isnan(percent)
    assert (used, share) == (4000.0, 80.0)


def test_a_thread_reads_between_epochs_until_the_gpu_is_gone() -> None:
    use = GpuUse(Readings(*[Reading(20, GB, 2 * GB)] * 2, Reading(50, GB, 2 * GB)), 0.001)
    end = monotonic() + 5
    while len(use._readings) < 3 and monotonic() < end:
        sleep(0.002)
    assert use.take() == (30.0, 1000.0, 50.0)
    assert all(math.isnan(value) for value in use.take())


def test_an_epoch_shorter_than_a_period_is_read_at_its_end() -> None:
    use = GpuUse(Readings(Reading(40, GB, 2 * GB)), 1e6)
    assert use.take() == (40.0, 1000.0, 50.0)


def test_figures_have_mlflow_s_names_by_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    used = Usage(CPU, Readings(Reading(40, GB, 2 * GB), Reading(math.nan, GB, 2 * GB)))
    assert set(used.sample()) == {
        "cpu_percent",
        "memory_megabytes",
        "data_wait_percent",
        "gpu_0_utilization_percentage",
        "gpu_0_memory_usage_megabytes",
        "gpu_0_memory_usage_percentage",
    }
    assert "gpu_0_utilization_percentage" not in used.sample()
    # The second of two ranks; the first one's figures come with the sum over ranks.
    monkeypatch.setattr(usage, "num_ranks", lambda: 2)
    monkeypatch.setattr(usage, "rank", lambda: 1)
    other = torch.tensor([0.0] * 6 + [90.0, 700.0, 35.0, 0.0, 0.0, 0.0])
    monkeypatch.setattr(usage, "sum_over_ranks", lambda own: own + other)
    second = Usage(CPU, Readings(Reading(40, GB, 2 * GB))).sample()
    assert second["gpu_0_utilization_percentage"] == 90.0
    assert second["gpu_1_utilization_percentage"] == 40.0
    assert second["gpu_1_memory_usage_percentage"] == 50.0


def test_without_a_gpu_nothing_is_said_of_one() -> None:
    assert gauge_of(CPU) is None
    assert set(Usage(CPU).sample()) == {"cpu_percent", "memory_megabytes", "data_wait_percent"}


def test_ray_s_copy_of_nvml_has_what_is_read() -> None:
    nvml = import_module(NVML[-1])
    for name in ("Init", "DeviceGetHandleByUUID", "DeviceGetMemoryInfo"):
        assert callable(getattr(nvml, f"nvml{name}"))
    assert callable(nvml.nvmlDeviceGetUtilizationRates)
    assert issubclass(nvml.NVMLError, Exception)


def test_a_gpu_without_nvml_has_no_gauge(monkeypatch: pytest.MonkeyPatch) -> None:
    class Properties:
        uuid = "ab-12"

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    assert gauge_of(torch.device("cuda"), ["no_such_module", *NVML]) is None
