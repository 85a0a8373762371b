"""Which images a rank sees, in which order, and how they are augmented.

Everything is a function of (seed, epoch, index), never of the rank or of earlier epochs: any
number of ranks sees the same images, and so does an epoch after a resume.
Shape letters: B images, H rows, W columns.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import DataConfig
from trainables.config.pixels import RGB, Pixels
from trainables.data.augment import Draw, augmented_batch, in_units, is_off
from trainables.data.dataset import DataError, ImageList


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


def to_tensors(
    split: ImageList, indices: NDArray[np.int64] | Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Images float (B,C,H,W) in the unit of their type, photographs in [0,1], and labels int64
    (B,H,W), of images of one size."""
    images_BHWC, labels_BHW = map(torch.from_numpy, split.stacked(indices))
    return in_units(images_BHWC.permute(0, 3, 1, 2)), labels_BHW.long()


def _flipped(images_BCHW: Tensor, labels_BHW: Tensor, draws: list[Draw]) -> tuple[Tensor, Tensor]:
    flip_B = torch.tensor([draw.flip for draw in draws]) < 0.5
    images_BCHW = torch.where(flip_B.view(-1, 1, 1, 1), images_BCHW.flip(3), images_BCHW)
    return images_BCHW, torch.where(flip_B.view(-1, 1, 1), labels_BHW.flip(2), labels_BHW)


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
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield this rank's share of each batch: every ``ranks``-th of its images.

    ``batch`` counts the images over all ranks and must be at least ``ranks``.
    """
    order = epoch_order(len(split), seed, epoch)

    def share(number: int) -> tuple[Tensor, Tensor]:
        mine = order[number * batch : (number + 1) * batch][rank::ranks]
        draws = [Draw.of(seed, epoch, int(index)) for index in mine]
        if not is_off(config):
            chosen = split.images_NHWC[mine], split.labels_NHW[mine]
            return augmented_batch(*chosen, config, draws, pixels)
        tensors = to_tensors(split, mine)
        return _flipped(*tensors, draws) if config.flip else tensors

    numbers = range(num_batches(len(split), batch))
    if is_off(config) and isinstance(split.images_NHWC, np.ndarray):
        yield from map(
            share, numbers
        )  # copying pixels takes less time than handing them to a thread
    else:
        yield from ahead(share, numbers)


_AHEAD = 2
"""Batches prepared while the network works on the current one."""


def ahead(
    make: Callable[[int], tuple[Tensor, Tensor]], numbers: Sequence[int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield ``make`` of each number in order; a thread computes the next ones in advance."""
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(make, number) for number in numbers[:_AHEAD])
        for number in [*numbers[_AHEAD:], *[None] * min(_AHEAD, len(numbers))]:
            done = pending.popleft().result()
            if number is not None:
                pending.append(pool.submit(make, number))
            yield done


def evaluation_batches(
    split: ImageList, *, batch: int, rank: int, ranks: int
) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
    """Yield rows, images and labels; each image comes on exactly one rank, exactly once.

    The images of a batch have one size: where sizes differ, equal ones come together.
    """
    sizes_N2, mine = split.sizes_N2, np.arange(len(split))[rank::ranks]
    order = mine[np.lexsort(sizes_N2[mine].T)]  # stable: equal sizes stay in the list's order
    for _, same in groupby(order, key=lambda row: tuple(sizes_N2[row])):
        rows = np.array(list(same))
        for start in range(0, len(rows), batch):
            chosen = rows[start : start + batch]
            yield chosen, *to_tensors(split, chosen)
