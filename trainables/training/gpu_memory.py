"""The memory of a GPU that a lane may use, and what training steps take of it."""

import gc
from dataclasses import replace
from typing import Protocol

import torch

from trainables.config import TrialConfig
from trainables.data.dataset import Dataset
from trainables.data.lists import EXTRA
from trainables.losses.batch import Learned
from trainables.training.batch_fit import CONTEXT_MIB, MIB
from trainables.training.training import Training

_OUT_OF_MEMORY = ("out of memory", "defaultcpuallocator", "not enough memory", "bad_alloc")
_LEAST_OF_SHARE = 0.5
"""Of a lane's share, the pool has at least this much, however large the context is."""
_EPOCHS = 2
"""The first makes the optimiser's state, the second has it from its start."""
MORE_EPOCHS = 30
"""That can follow, to be timed."""


class Meter(Protocol):
    """How a device counts memory, in bytes."""

    def restart(self) -> None:
        """Give back what is cached and count the peak from now."""

    def peak(self) -> int:
        """The most that the pool has held since then."""

    def limit(self) -> int:
        """The most that this process's pool can hold now."""


class CudaMeter:
    """Counts a GPU's memory; of a MIG slice, that of the slice."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def restart(self) -> None:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self._device)

    def peak(self) -> int:
        return int(torch.cuda.max_memory_reserved(self._device))

    def limit(self) -> int:
        free, total = torch.cuda.mem_get_info(self._device)
        share = torch.cuda.get_per_process_memory_fraction(self._device)
        return min(int(share * total), free + torch.cuda.memory_reserved(self._device))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was too small, a GPU's or the machine's."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # PyTorch's CPU allocator and some CUDA libraries raise a plain RuntimeError.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)


def peak_of(
    config: TrialConfig, dataset: Dataset, learned: Learned, device: torch.device, meter: Meter
) -> int | None:
    """The peak in bytes of a few steps of a new training and of one evaluated batch; None if the
    memory is too small for them. Nothing of the training stays."""
    meter.restart()
    try:
        run_steps(config, dataset, learned, device)
        return meter.peak()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        meter.restart()


def run_steps(
    config: TrialConfig, dataset: Dataset, learned: Learned, device: torch.device, batches: int = 1
) -> Training:
    """A training after a few epochs of so many full batches and an evaluation of one."""
    training = Training(
        config.changed({"epochs": max(config.epochs, _EPOCHS + MORE_EPOCHS)}),
        few_batches(config, dataset, batches),
        learned,
        device,
    )
    for _ in range(_EPOCHS):
        training.train_epoch()
    training.evaluate("val")
    return training


def few_batches(config: TrialConfig, dataset: Dataset, count: int = 1) -> Dataset:
    """The dataset with lists of so many batches for training, and of one for validation."""
    train = dataset.splits["train"].first(count * config.batch)
    lists = {"train": train, "val": dataset.splits["val"].first(config.batch)}
    return replace(dataset, splits=lists | ({EXTRA: train} if EXTRA in dataset.splits else {}))


def pool_share(share: float, total: int, beside: float) -> float:
    """The fraction of a GPU's memory that PyTorch's pool of a lane may hold.

    Args:
        share: of the GPU that the lane has, in (0,1].
        total: bytes of the GPU.
        beside: bytes that the lane's process takes in addition to the pool.
    """
    return max(share - beside / total, share * _LEAST_OF_SHARE)


def keep_to_share(device: torch.device, share: float, context_mib: float = CONTEXT_MIB) -> None:
    """Limit this process to its share of a GPU, so that a neighbour's step never lacks memory.

    Steps that need more raise an out-of-memory error here. A whole GPU, and a CPU, have no limit.
    """
    if device.type != "cuda" or not 0 < share < 1:
        return
    _, total = torch.cuda.mem_get_info(device)
    fraction = pool_share(share, total, context_mib * MIB)
    torch.cuda.set_per_process_memory_fraction(fraction, device)
