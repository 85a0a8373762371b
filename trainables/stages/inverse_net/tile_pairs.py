"""Pairs of boundary tiles from a dataset's masks, one a known transformation of the other.

Shape letters: N tiles or pairs, H rows, W columns, S tile side, P context side, C coefficients.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from torch import Generator, Tensor

from trainables.config import require
from trainables.data.dataset import DataError, Dataset
from trainables.geometry import homography
from trainables.geometry.boundaries import BoundaryMaker, eight_neighbour_boundary, sobel_boundary
from trainables.stages.inverse_net.spatial_transformer import SpatialTransformer
from trainables.stages.sheet import sheet

_IMAGES, _PIXELS = 64, 2**22
"""Tiles come from images spread evenly over a list: at least so many of them, and more if they are
small, until they have so many pixels together."""

_RESIZED_IMAGES = 16
_RESIZED_SHARE = 0.5
"""Of a resized pixel, from which it is boundary."""


class Pairs(NamedTuple):
    """Moved tiles, the original tiles, and the normalised transformation between them."""

    moved_NSS: Tensor
    still_NSS: Tensor
    target_NC: Tensor


class TileSource:
    """Boundary tiles of one split, with the surroundings that a transformation may move into them.

    Raises:
        DataError: the split's masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        tile: int,
        coefficients: int = 6,
        boundary: BoundaryMaker = sobel_boundary,
        ranges: homography.Ranges = homography.DEFAULT_RANGES,
        soften: bool = True,
        resize: tuple[int, int] | None = None,
    ) -> None:
        """``boundary`` makes the true boundaries; it must be the loss's own.

        With ``soften``, moved tiles are blurred and faded by a random amount, to look like a
        network's probabilities. ``resize``: rows and columns to which the loss resizes its maps.
        """
        if size := resize or dataset.splits["train"].size:  # else the crops decide
            check_tile(tile, size)
        maps = [
            boundary(labels_1HW, dataset.num_classes).squeeze(0)
            for labels_1HW in _labels(dataset, split)
        ]
        if resize is not None:
            step = -(-len(maps) // _RESIZED_IMAGES)
            maps = [_resized(boundary_HW, resize) for boundary_HW in maps[::step]]
        self.tile, self.coefficients = tile, coefficients
        self.ranges, self.soften = ranges, soften
        blank_RC, _, _ = sheet(maps, 0, rim=tile + tile // 2)
        # NumPy copies a window in a third of torch's time.
        self.windows_RCPP = sliding_window_view(blank_RC.numpy(), (2 * tile,) * 2)
        self.places = blank_RC.nonzero()
        if len(self.places) == 0:
            raise _no_boundary(dataset, split)

    def pairs(
        self, count: int, generator: Generator, transformer: SpatialTransformer | None = None
    ) -> Pairs:
        """Draw pairs of tiles. Every tile has a boundary pixel, at a random place.

        The transformations are random, or the transformer's, which then receives gradients.
        """
        context_NPP = self.contexts(count, generator)
        still_NSS = self.centre(context_NPP)
        if transformer is None:
            theta_N33 = homography.sample(count, self.coefficients, generator, self.ranges)
        else:
            theta_N33 = transformer(still_NSS, generator)
        moved_NSS = homography.warp(context_NPP, theta_N33, self.tile)
        if self.soften:
            moved_NSS = _soften(moved_NSS, generator)
        return Pairs(moved_NSS, still_NSS, homography.normalise(theta_N33, self.coefficients))

    def shifted(
        self, context_NPP: Tensor, length_px: float, angle_N: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Move the centre tiles that far in these directions, rounded to whole pixels.

        Returns:
            The tiles (N,S,S), and the rounded lengths (N,) in pixels.
        """
        column_N = (length_px * angle_N.cos()).round().long()
        row_N = (length_px * angle_N.sin()).round().long()
        reach = torch.arange(self.tile) + self.tile // 2
        rows_NS, columns_NS = reach + row_N.unsqueeze(1), reach + column_N.unsqueeze(1)
        side = context_NPP.shape[1] - 1
        moved_NSS = context_NPP[
            torch.arange(len(context_NPP)).view(-1, 1, 1),
            rows_NS.clamp(0, side).unsqueeze(2),
            columns_NS.clamp(0, side).unsqueeze(1),
        ]
        return moved_NSS, torch.hypot(row_N.float(), column_N.float())

    def centre(self, context_NPP: Tensor) -> Tensor:
        """(N,S,S): the tiles at the centre of their surroundings."""
        edge = self.tile // 2
        return context_NPP[:, edge : edge + self.tile, edge : edge + self.tile]

    def contexts(self, count: int, generator: Generator) -> Tensor:
        """(N,P,P), P = 2S: windows whose centre tile holds a boundary pixel."""
        chosen = torch.randint(len(self.places), (count,), generator=generator)
        offset_2N = torch.randint(self.tile, (2, count), generator=generator)
        # The maps have a blank rim of one and a half tiles, so the window never reaches another.
        first_2N = self.places[chosen].T - offset_2N - self.tile // 2
        return torch.from_numpy(self.windows_RCPP[tuple(first_2N.numpy())]).float()


def _resized(boundary_HW: Tensor, size: tuple[int, int]) -> Tensor:
    """(H,W): the boundary of a resized map, as the released loss makes it, to whole pixels."""
    whole_11HW = boundary_HW[None, None].float()
    return F.interpolate(whole_11HW, size, mode="bilinear")[0, 0] >= _RESIZED_SHARE


def check_tile(tile: int, size: tuple[int, int]) -> None:
    """Raise a ValueError if the tile does not fit into images, or crops, of this size."""
    side = min(size)
    require(tile <= side, "loss/tile", f"at most {side}, the images' shorter side", tile)


def require_boundary(dataset: Dataset) -> None:
    """Raise a DataError if the masks that a stage is trained or evaluated on have no boundary."""
    for split in ("train", "val"):
        if not any(bool(eight_neighbour_boundary(one).any()) for one in _labels(dataset, split)):
            raise _no_boundary(dataset, split)


def _labels(dataset: Dataset, split: str) -> Iterator[Tensor]:
    """Yield the labels (1,H,W) that tiles come from."""
    images = dataset.splits[split]
    pixels = int(images.sizes_N2.prod(axis=1).sum()) // len(images)
    step = -(-len(images) // max(_IMAGES, _PIXELS // pixels))
    for row in range(0, len(images), step):
        yield torch.from_numpy(images.labels_NHW[row]).long().unsqueeze(0)


def _no_boundary(dataset: Dataset, split: str) -> DataError:
    return DataError(
        f"dataset {dataset.name}: no boundary in the {split} masks, nothing to learn its shape from"
    )


def angles(count: int, generator: Generator) -> Tensor:
    """(N,): directions, uniform over the circle, in radians."""
    return torch.rand(count, generator=generator) * 2 * math.pi


def _soften(tiles_NSS: Tensor, generator: Generator) -> Tensor:
    """Mix each tile with its 3x3 mean and scale it, by random amounts."""
    mix_2N11 = torch.rand(2, len(tiles_NSS), 1, 1, generator=generator)
    blurred_NSS = (
        _mean_of_three(tiles_NSS.shape[1]) @ tiles_NSS @ _mean_of_three(tiles_NSS.shape[2])
    )
    return torch.lerp(tiles_NSS, blurred_NSS, mix_2N11[0]) * (1 - 0.5 * mix_2N11[1])


def _mean_of_three(side: int) -> Tensor:
    """(S,S): a matrix that averages neighbours. Two products cost a quarter of ``avg_pool2d``."""
    return torch.ones(side, side).tril(1).triu(-1) / 3
