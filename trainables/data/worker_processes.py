"""Processes that read, decode and augment batches, for lists that do not fit in memory.

They are PyTorch's ``DataLoader`` workers, and know nothing of the trial: each batch comes with all
that decides it, so that the same processes serve every trial of a lane, and any number of them
gives the same bytes in the same order.
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pickle import PicklingError
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from trainables.config import DataConfig
from trainables.config.pixels import Pixels
from trainables.data import plugin_augmentation
from trainables.data.batch import Batch
from trainables.data.batches import made, stored, without_sixteen_bits
from trainables.data.dataset import ImageList
from trainables.data.draw import Draw
from trainables.data.pickled import Pickled, as_it_was_raised
from trainables.data.targets import BYTES

_EACH_AHEAD = 2
"""Batches that a process makes in advance."""
_SLOW_IMPORTS = ("torchvision.transforms.v2",)
"""Modules that the processes' parent imports once for all of them."""
_SHARED_MEMORY = "/dev/shm"
"""Where processes put their batches."""
_MIB = 2**20


class WorkerLostError(RuntimeError):
    """A process that reads images ended, and with it the batches that it was to make."""


class Job(Protocol):
    """What decides a batch. Must pickle."""

    def made(self, images: ImageList) -> Batch:
        """Images (B,C,H,W), bytes or floats, labels uint8 (B,H,W), and targets."""


@dataclass(frozen=True)
class Trained:
    """A batch of a training step."""

    share: NDArray[np.int64]
    config: DataConfig
    draws: list[Draw]
    pixels: Pixels

    def made(self, images: ImageList) -> Batch:
        return made(images, self.config, self.share, self.draws, self.pixels)


@dataclass(frozen=True)
class Evaluated:
    """A batch of a list that is evaluated."""

    rows: NDArray[np.int64]

    def made(self, images: ImageList) -> Batch:
        return stored(images, self.rows)


class _Jobs:
    """The jobs of one pass, in order, as ``DataLoader`` reads them."""

    def __init__(self) -> None:
        self.named: list[tuple[str, Job]] = []

    def __iter__(self) -> Iterator[tuple[str, Job]]:
        return iter(self.named)

    def __len__(self) -> int:
        return len(self.named)


class _Work(TorchDataset[object]):
    """What a process does: a job's batch, or the error that it raises."""

    def __init__(self, lists: Mapping[str, ImageList]) -> None:
        self._lists = lists

    def __getitem__(self, job: tuple[str, Job]) -> object:
        name, one = job
        try:
            return without_sixteen_bits(one.made(self._lists[name]))
        except Exception as error:  # DataLoader would raise another, of many lines
            return as_it_was_raised(error)


class WorkerProcesses:
    """The processes of one lane. They end with ``end``, and within seconds of the lane's death."""

    def __init__(self, lists: Mapping[str, ImageList], count: int, *, pinned: bool) -> None:
        """``pinned``: whether batches lie where a GPU copies from while it computes."""
        self.count = count
        self._digest = Pickled.of(lists).digest
        self._jobs = _Jobs()
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__, *_SLOW_IMPORTS])
        self._loader: DataLoader[object] = DataLoader(
            _Work(lists),
            batch_size=None,
            sampler=self._jobs,
            num_workers=count,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            multiprocessing_context=context,
            worker_init_fn=_begin,
            prefetch_factor=_EACH_AHEAD,
            persistent_workers=True,
        )

    def read(self, lists: Mapping[str, ImageList]) -> bool:
        """Whether they read these lists."""
        return Pickled.of(lists).digest == self._digest

    def done(self, name: str, jobs: Sequence[Job]) -> Iterator[Batch]:
        """Yield the batches of jobs on the list of this name, in order.

        Raises:
            WorkerLostError: a process was killed.
            Exception: what a job raised.
        """
        self._jobs.named = [(name, job) for job in jobs]
        for result in self._results():
            if isinstance(result, Exception):
                raise result
            assert isinstance(result, tuple | list)
            images_BCHW, labels_BHW, targets = result
            yield Batch(images_BCHW, labels_BHW, targets)

    def _results(self) -> Iterator[object]:
        """What the processes return for the jobs, in order."""
        try:
            with _without_main():
                results = iter(self._loader)
            while (result := next(results, None)) is not None:
                yield result
        except (RuntimeError, OSError, EOFError) as error:  # within seconds; of several kinds
            self.end()
            raise WorkerLostError(f"a process that reads images was lost: {error}") from error

    def end(self) -> None:
        """End the processes."""
        iterator, self._loader._iterator = self._loader._iterator, None
        if iterator is not None:
            iterator._shutdown_workers()  # type: ignore[attr-defined]


def _as_it_is(result: object) -> object:
    return result


def _begin(number: int) -> None:
    """Prepare a process: it ends with the training's, and has no threads of its own to compete."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(ImportError):
        import cv2

        cv2.setNumThreads(0)


def _end_with_parent() -> None:
    """``DataLoader`` watches the process that forked this one, which outlives the training's."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _without_main() -> Iterator[None]:
    """Start processes that do not run the main script again: it may have no guard."""
    main = sys.modules["__main__"]
    saved = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    main.__spec__ = None
    main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        main.__dict__.update(saved)


def unfit(
    lists: Mapping[str, ImageList], config: DataConfig, pixels: Pixels, batch: int, count: int
) -> str:
    """Why so many processes cannot make these batches; "" if they can."""
    if plugin_augmentation.active(config):
        return "a plug-in's augmentation runs in the training's process"
    try:
        foreign = Pickled.of(lists).foreign
    except (PicklingError, AttributeError, TypeError) as error:
        return f"its samples do not pickle: {error}"
    if foreign:
        return f"{foreign} can only be read in the training's process"
    needed, free = _batch_bytes(lists, config, pixels, batch) * (count * _EACH_AHEAD + 1), _free()
    if needed > free:
        return (
            f"{_SHARED_MEMORY} has {free // _MIB} MiB free for batches of {needed // _MIB} MiB "
            f"(a container's is raised with --shm-size)"
        )
    return ""


def _batch_bytes(
    lists: Mapping[str, ImageList], config: DataConfig, pixels: Pixels, batch: int
) -> int:
    """What a batch takes at most, with its labels."""
    rows, columns = (
        np.concatenate([images.sizes_N2 for images in lists.values()]).max(axis=0).tolist()
    )
    rows, columns = max(rows, config.crop_height), max(columns, config.crop_width)
    a_value = 1 if pixels.bits == 8 and pixels.plain else 4
    beside = sum(BYTES[task] for task in config.map_names)
    return int(batch * config.clip * rows * columns * (pixels.bands * a_value + 1 + beside))


def _free() -> float:
    """Bytes of shared memory that processes may use."""
    try:
        found = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return float("inf")  # not Linux: elsewhere it has no limit of its own
    return float(found.f_bavail * found.f_frsize)
