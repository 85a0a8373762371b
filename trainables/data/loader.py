"""How the batches of a trial are made: ``data/loader``.

``threads``: augmented by a thread of the training's process, ahead of the step. ``workers``: by
processes of PyTorch's ``DataLoader``. ``device``: from lists in the device's memory, augmented
there. All three see the same images in the same order, and the same bytes but for the rounding that
``device_augment.py`` names.
Shape letters: B images, C bands, H rows, W columns.
"""

import logging
from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.config import DataConfig, require
from trainables.config.inputs import InputName
from trainables.data import plugin_augmentation
from trainables.data.batch import Batch
from trainables.data.batches import (
    Epoch,
    evaluation_batches,
    evaluation_shares,
    ready,
    stored,
    training_batches,
    without_sixteen_bits,
)
from trainables.data.clips import frames_of_batch
from trainables.data.dataset import Dataset, ImageList
from trainables.data.device_augment import augmented
from trainables.data.device_memory import DeviceMemory, in_memory, trained_on
from trainables.data.worker_processes import Evaluated, Trained, WorkerProcesses, unfit

_logger = logging.getLogger(__name__)
Name = Literal["threads", "workers", "device"]
Rows = NDArray[np.int64]


class Loader(Protocol):
    """Makes the batches of one trial: see ``Batch``, after ``ready``."""

    name: Name
    processes: int
    """That make batches beside the training's."""

    @property
    def device_bytes(self) -> int:
        """Of the lists that lie in the device's memory."""

    def training(self, images: ImageList, config: DataConfig, epoch: Epoch) -> Iterator[Batch]:
        """Yield this rank's share of each batch of an epoch."""

    def evaluation(
        self, images: ImageList, *, batch: int, rank: int, ranks: int
    ) -> Iterator[tuple[Rows, Batch]]:
        """Yield rows and batches as ``evaluation_batches`` does."""


class Threads:
    """Batches of this process; on a GPU they cross as they are stored, a quarter of the bytes."""

    name: Name = "threads"
    processes = 0
    device_bytes = 0

    def __init__(self, dataset: Dataset, device: torch.device, cpus: int = 1) -> None:
        self._pixels, self._device = dataset.pixels, device
        self._threads = max(cpus - 1, 1)

    def training(self, images: ImageList, config: DataConfig, epoch: Epoch) -> Iterator[Batch]:
        how = vars(epoch) | {"pixels": self._pixels}
        if self._device.type != "cuda":
            return training_batches(images, config, **how)
        threads = self._threads if in_memory(images) else 1
        made = training_batches(images, config, **how, finish=pinned, threads=threads)
        return (crossed(batch, self._device, images.inputs) for batch in made)

    def evaluation(
        self, images: ImageList, *, batch: int, rank: int, ranks: int
    ) -> Iterator[tuple[Rows, Batch]]:
        if self._device.type != "cuda":
            yield from evaluation_batches(images, batch=batch, rank=rank, ranks=ranks)
            return
        for rows in evaluation_shares(images, batch=batch, rank=rank, ranks=ranks):
            yield rows, crossed(pinned(stored(images, rows)), self._device, images.inputs)


class OnDevice:
    """Batches of lists in the device's memory; other lists are read as ``Threads`` reads them."""

    name: Name = "device"
    processes = 0

    def __init__(self, dataset: Dataset, memory: DeviceMemory) -> None:
        self._pixels, self._memory = dataset.pixels, memory
        self._lists = trained_on(dataset)
        self._others = Threads(dataset, memory.device)

    @property
    def device_bytes(self) -> int:
        return self._memory.nbytes

    def training(self, images: ImageList, config: DataConfig, epoch: Epoch) -> Iterator[Batch]:
        on_device = self._memory.of(images)
        for share in epoch.shares(len(images)):
            rows, draws = frames_of_batch(images.names, config, share, epoch.draws(share))
            yield augmented(on_device.picked(rows), config, draws, self._pixels)

    def evaluation(
        self, images: ImageList, *, batch: int, rank: int, ranks: int
    ) -> Iterator[tuple[Rows, Batch]]:
        if not any(images is known for known in self._lists):
            yield from self._others.evaluation(images, batch=batch, rank=rank, ranks=ranks)
            return
        on_device = self._memory.of(images)
        for rows in evaluation_shares(images, batch=batch, rank=rank, ranks=ranks):
            values_BHWC, labels_BHW = on_device.picked(rows).whole()
            yield rows, ready(Batch(values_BHWC.permute(0, 3, 1, 2), labels_BHW, {}))


class Workers:
    """Batches that processes decode and augment, several at a time."""

    name: Name = "workers"
    device_bytes = 0

    def __init__(self, dataset: Dataset, device: torch.device, processes: WorkerProcesses) -> None:
        self._dataset, self._device, self._processes = dataset, device, processes
        self.processes = processes.count

    def training(self, images: ImageList, config: DataConfig, epoch: Epoch) -> Iterator[Batch]:
        shares = epoch.shares(len(images))
        pixels = self._dataset.pixels
        jobs = [Trained(share, config, epoch.draws(share), pixels) for share in shares]
        for batch in self._processes.done(self._name(images), jobs):
            yield crossed(batch, self._device, images.inputs)

    def evaluation(
        self, images: ImageList, *, batch: int, rank: int, ranks: int
    ) -> Iterator[tuple[Rows, Batch]]:
        shares = list(evaluation_shares(images, batch=batch, rank=rank, ranks=ranks))
        done = self._processes.done(self._name(images), [Evaluated(rows) for rows in shares])
        for rows, made in zip(shares, done, strict=True):
            yield rows, crossed(made, self._device, images.inputs)

    def _name(self, images: ImageList) -> str:
        return next(name for name, known in self._dataset.splits.items() if known is images)


def pinned(batch: Batch) -> Batch:
    """A stored batch in memory that a GPU copies from while it computes."""
    images_BCHW, labels_BHW, targets = without_sixteen_bits(batch)
    pinned_targets = {task: map_.pin_memory() for task, map_ in targets.items()}
    return Batch(images_BCHW.pin_memory(), labels_BHW.pin_memory(), pinned_targets)


def crossed(batch: Batch, device: torch.device, inputs: tuple[InputName, ...]) -> Batch:
    """A stored batch on the device, made ready there."""
    return ready(batch.to(device), inputs)


class Loaders:
    """What a lane keeps from trial to trial: lists on its device, or processes that read files."""

    def __init__(self, device: torch.device, cpus: int = 1) -> None:
        """``cpus``: of this rank. Beside a rank with one CPU no process reads."""
        self._device, self._cpus = device, cpus
        self._memory = DeviceMemory(device)
        self._processes: WorkerProcesses | None = None

    def of(self, dataset: Dataset, config: DataConfig, batch: int) -> Loader:
        """The loader of a trial; what an earlier trial's data needed is freed.

        Args:
            batch: images of a step on this rank, at most.

        Raises:
            ValueError: ``data/loader`` names a way that this trial cannot go.
        """
        lists = trained_on(dataset)
        chosen = self._chosen(dataset, lists, config, batch)
        self._memory.keep_only(lists if chosen == "device" else [])
        if chosen == "workers":
            return Workers(dataset, self._device, self._reading(dataset))
        self.end()
        if chosen == "device":
            return OnDevice(dataset, self._memory)
        return Threads(dataset, self._device, self._cpus)

    def _chosen(
        self, dataset: Dataset, lists: list[ImageList], config: DataConfig, batch: int
    ) -> Name:
        """The way that ``data/loader`` names; ``auto`` chooses for the device and the lists."""
        decoded = all(map(in_memory, lists))
        if config.loader == "device":
            words = "auto, threads or workers for files that are read each time"
            require(decoded, "data/loader", words, config.loader)
            self._memory.require_room(lists)
        if config.loader == "workers" and decoded:
            return "threads"  # to hand over what is in memory takes longer than to augment it here
        if config.loader == "workers":
            why = unfit(dataset.splits, config, dataset.pixels, batch, self._readers)
            require(not why, "data/loader", f"auto or threads: {why}", config.loader)
        if config.loader != "auto":
            return config.loader
        if self._device.type != "cuda" or plugin_augmentation.active(config):
            return "threads"
        if decoded and (config.map_names or config.moves != "edgewise"):
            return "threads"  # a device augments images and labels alone, and in its own way
        if decoded:
            return "device" if self._memory.fits(lists) else "threads"
        if self._cpus < 2:
            return "threads"
        if why := unfit(dataset.splits, config, dataset.pixels, batch, self._readers):
            _logger.warning("data/loader: threads, not workers: %s", why)
        return "threads" if why else "workers"

    @property
    def _readers(self) -> int:
        return max(self._cpus - 1, 1)

    def _reading(self, dataset: Dataset) -> WorkerProcesses:
        """The processes that read this dataset's files: those of the last trial, if they do."""
        if self._processes is None or not self._processes.read(dataset.splits):
            self.end()
            on_gpu = self._device.type == "cuda"
            self._processes = WorkerProcesses(dataset.splits, self._readers, pinned=on_gpu)
        return self._processes

    def end(self) -> None:
        """End the processes that read files."""
        if self._processes is not None:
            self._processes.end()
        self._processes = None
