"""Which images a rank sees, in which order, and how they are augmented.

Everything is a function of (seed, epoch, index), never of the rank or of earlier epochs: any
number of ranks sees the same images, and so does an epoch after a resume.
Shape letters: B images, H rows, W columns.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.config.inputs import InputName
from trainables.config.pixels import RGB, Pixels
from trainables.data.augment import augmented_maps, is_off
from trainables.data.batch import Batch
from trainables.data.clips import frames_of_batch
from trainables.data.dataset import DataError, ImageList
from trainables.data.draw import Draw
from trainables.data.input_maps import joined, without
from trainables.data.target_kinds import mirrored, to_tensor
from trainables.data.units import in_units


def num_batches(num_images: int, batch: int) -> int:
    """Batches per epoch. Images that would not fill a last one are left out of this epoch."""
    return max(num_images // batch, 1)


def epoch_order(num_images: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The indices of an epoch's images, shuffled."""
    return np.random.default_rng([seed, epoch]).permutation(num_images)


def require_crops(split: ImageList, config: DataConfig) -> None:
    """Raise a DataError if the images cannot form batches: they differ in size and stay so."""
    if split.size is None and not (config.crop_height and config.crop_width):
        smallest, largest = split.sizes_N2.min(axis=0), split.sizes_N2.max(axis=0)
        raise DataError(
            f"data/crop_height and data/crop_width must be given (or data/height and data/width): "
            f"the training images have differing sizes, {smallest[0]}..{largest[0]} rows and "
            f"{smallest[1]}..{largest[1]} columns; got {config.crop_height} and {config.crop_width}"
        )


def to_tensors(split: ImageList, indices: NDArray[np.int64] | Sequence[int]) -> Batch:
    """Images of one size, their labels and targets, as a network and its losses receive them."""
    return ready(stored(split, indices), split.inputs)


def stored(split: ImageList, indices: NDArray[np.int64] | Sequence[int]) -> Batch:
    """Images (B,C,H,W) as they are stored, labels uint8 (B,H,W), and targets."""
    images_BHWC, labels_BHW = map(torch.from_numpy, split.stacked(indices))
    targets = {task: to_tensor(task, maps) for task, maps in split.stacked_targets(indices).items()}
    return Batch(images_BHWC.permute(0, 3, 1, 2), labels_BHW, targets)


def ready(batch: Batch, inputs: tuple[InputName, ...] = ()) -> Batch:
    """Stored images and labels as a network and its losses receive them: float and int64.

    Args:
        batch: as stored.
        inputs: which of its targets are no targets, and follow the images' bands.
    """
    images_BCHW = joined(in_units(batch.images_BCHW), batch.targets, inputs)
    return Batch(images_BCHW, batch.labels_BHW.long(), without(batch.targets, inputs))


def without_sixteen_bits(batch: Batch) -> Batch:
    """A stored batch of a type that every device computes with."""
    if batch.images_BCHW.dtype != torch.uint16:
        return batch
    return batch._replace(images_BCHW=in_units(batch.images_BCHW))


def _flipped(batch: Batch, draws: list[Draw]) -> Batch:
    images_BCHW, labels_BHW, targets = batch
    flip_B = torch.tensor([draw.flip for draw in draws]) < 0.5
    images_BCHW = torch.where(flip_B.view(-1, 1, 1, 1), images_BCHW.flip(3), images_BCHW)
    labels_BHW = torch.where(flip_B.view(-1, 1, 1), labels_BHW.flip(2), labels_BHW)
    turned = {
        task: torch.where(flip_B.view(-1, *[1] * (map_.ndim - 1)), mirrored(task, map_), map_)
        for task, map_ in targets.items()
    }
    return Batch(images_BCHW, labels_BHW, turned)


@dataclass(frozen=True)
class Epoch:
    """One pass of a rank over a training list."""

    batch: int
    """Images, or clips, of a step over all ranks; at least ``ranks``."""
    seed: int
    epoch: int
    """Counted from 1."""
    rank: int
    ranks: int

    def shares(self, num_images: int) -> list[NDArray[np.int64]]:
        """By step, the images of this rank: every ``ranks``-th of the step's."""
        order = epoch_order(num_images, self.seed, self.epoch)
        steps = range(num_batches(num_images, self.batch))
        return [
            order[step * self.batch : (step + 1) * self.batch][self.rank :: self.ranks]
            for step in steps
        ]

    def draws(self, share: NDArray[np.int64]) -> list[Draw]:
        """The random numbers of these images."""
        return [Draw.of(self.seed, self.epoch, int(index)) for index in share]


def made(
    split: ImageList,
    config: DataConfig,
    share: NDArray[np.int64],
    draws: list[Draw],
    pixels: Pixels,
) -> Batch:
    """These images, or the clips that begin with them, augmented: (B,C,H,W) as stored or float,
    labels uint8 (B,H,W), and targets."""
    share, draws = frames_of_batch(split.names, config, share, draws)
    if not is_off(config):
        chosen = split.images_NHWC[share], split.labels_NHW[share]
        targets = {task: maps[share] for task, maps in split.targets.items()}
        return augmented_maps(*chosen, config, draws, pixels, targets)
    batch = stored(split, share)
    return _flipped(batch, draws) if config.flip else batch


def training_batches(
    split: ImageList,
    config: DataConfig,
    *,
    batch: int,
    seed: int,
    epoch: int,
    rank: int,
    ranks: int,
    pixels: Pixels = RGB,
    finish: Callable[[Batch], Batch] | None = None,
    threads: int = 1,
) -> Iterator[Batch]:
    """Yield this rank's share of each batch: every ``ranks``-th of its images.

    Args:
        batch: counts the images over all ranks; at least ``ranks``.
        finish: what is done with the stored images and labels of a batch in the thread that makes
            them; None: they are made ready.
        threads: that make batches, several at a time; a list that is read from disk has one, which
            reads the images of a batch on several.
    """
    this = Epoch(batch, seed, epoch, rank, ranks)

    def make(share: NDArray[np.int64]) -> Batch:
        batch = made(split, config, share, this.draws(share), pixels)
        return finish(batch) if finish else ready(batch, split.inputs)

    shares = this.shares(len(split))
    if is_off(config) and isinstance(split.images_NHWC, np.ndarray):
        yield from map(make, shares)  # copying pixels takes less time than handing them to a thread
    else:
        yield from ahead(make, shares, threads)


_AHEAD = 2
"""Batches prepared while the network works on the current one."""
T = TypeVar("T")


def ahead(make: Callable[[T], Batch], each: Sequence[T], threads: int = 1) -> Iterator[Batch]:
    """Yield ``make`` of each in order; threads compute the next ones in advance."""
    first = _AHEAD * threads
    with ThreadPoolExecutor(threads) as pool:
        pending = deque(pool.submit(make, one) for one in each[:first])
        for one in each[first:]:
            done = pending.popleft().result()
            pending.append(pool.submit(make, one))
            yield done
        while pending:
            yield pending.popleft().result()


def evaluation_shares(
    split: ImageList, *, batch: int, rank: int, ranks: int
) -> Iterator[NDArray[np.int64]]:
    """By forward pass, the images of this rank; each comes on exactly one rank, exactly once.

    They have one size: where sizes differ, equal ones come together.
    """
    sizes_N2, mine = split.sizes_N2, np.arange(len(split))[rank::ranks]
    order = mine[np.lexsort(sizes_N2[mine].T)]  # stable: equal sizes stay in the list's order
    for _, same in groupby(order, key=lambda row: tuple(sizes_N2[row])):
        rows = np.array(list(same))
        for start in range(0, len(rows), batch):
            yield rows[start : start + batch]


def evaluation_batches(
    split: ImageList, *, batch: int, rank: int, ranks: int
) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """Yield the rows of ``evaluation_shares``, and their batch."""
    for rows in evaluation_shares(split, batch=batch, rank=rank, ranks=ranks):
        yield rows, to_tensors(split, rows)
