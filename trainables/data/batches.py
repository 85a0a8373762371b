"""Which images a rank sees, in which order, and how they are augmented.

Everything is a function of (seed, epoch, index), never of the rank or of what ran before: any
number of ranks sees the same images, and a resumed epoch sees what it would have seen.
Shape letters: B images, H rows, W columns.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data.dataset import ImageList


def num_batches(num_images: int, batch: int) -> int:
    """Batches an epoch; what does not fill the last one waits for the next epoch's order."""
    return max(num_images // batch, 1)


def epoch_order(num_images: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The images of one epoch, shuffled."""
    return np.random.default_rng([seed, epoch]).permutation(num_images)


def to_tensors(split: ImageList, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Images float (B,3,H,W) in [0,1] and labels int64 (B,H,W)."""
    images_BHWC = torch.from_numpy(split.images_NHWC[indices])
    labels_BHW = torch.from_numpy(split.labels_NHW[indices])
    return images_BHWC.permute(0, 3, 1, 2).float().div(255), labels_BHW.long()


def _flipped(
    images_BCHW: Tensor, labels_BHW: Tensor, indices: NDArray[np.int64], seed: int, epoch: int
) -> tuple[Tensor, Tensor]:
    draws = [np.random.default_rng([seed, epoch, index]).random() for index in indices]
    flip_B = torch.tensor(draws) < 0.5
    images_BCHW = torch.where(flip_B.view(-1, 1, 1, 1), images_BCHW.flip(3), images_BCHW)
    return images_BCHW, torch.where(flip_B.view(-1, 1, 1), labels_BHW.flip(2), labels_BHW)


def training_batches(
    split: ImageList, *, batch: int, seed: int, epoch: int, flip: bool, rank: int, ranks: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """This rank's share of each batch of the epoch: every ``ranks``-th image of it.

    ``batch`` counts the images over all ranks and must be at least ``ranks``.
    """
    order = epoch_order(len(split), seed, epoch)
    for number in range(num_batches(len(split), batch)):
        mine = order[number * batch : (number + 1) * batch][rank::ranks]
        images_BCHW, labels_BHW = to_tensors(split, mine)
        if flip:
            images_BCHW, labels_BHW = _flipped(images_BCHW, labels_BHW, mine, seed, epoch)
        yield images_BCHW, labels_BHW


def evaluation_batches(
    split: ImageList, *, batch: int, rank: int, ranks: int
) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
    """Rows, images and labels: each image on exactly one rank, exactly once."""
    mine = np.arange(len(split))[rank::ranks]
    for start in range(0, len(mine), batch):
        rows = mine[start : start + batch]
        yield rows, *to_tensors(split, rows)
