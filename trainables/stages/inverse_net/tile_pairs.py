"""Pairs of boundary tiles, one a known transformation of the other, from a dataset's own masks.

Shape letters: N tiles or pairs, H rows, W columns, S tile side, P context side, C coefficients.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from trainables.config import require
from trainables.data.dataset import DataError, Dataset
from trainables.geometry import homography
from trainables.geometry.boundaries import BoundaryMaker, eight_neighbour_boundary, sobel_boundary
from trainables.stages.inverse_net.spatial_transformer import SpatialTransformer

_IMAGES, _PIXELS = 64, 2**22
"""Tiles are cut from the boundaries of images that are spread evenly over a list: of this many, or
of small ones as many as have so many pixels together."""


class Pairs(NamedTuple):
    """Moved tiles, the tiles as they were, and the normalised transformation between them."""

    moved_NSS: Tensor
    still_NSS: Tensor
    target_NC: Tensor


class TileSource:
    """Boundary tiles of one split, with the surroundings that a transformation moves in.

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
    ) -> None:
        """``boundary`` makes what the loss will call the truth."""
        labels_NHW = torch.from_numpy(_labels(dataset, split)).long()
        check_tile(tile, dataset.size)
        boundary_NHW = torch.stack(
            [
                boundary(label_HW.unsqueeze(0), dataset.num_classes).squeeze(0)
                for label_HW in labels_NHW
            ]
        )
        self.tile, self.coefficients = tile, coefficients
        blank_NHW = nn.functional.pad(boundary_NHW, (tile + tile // 2,) * 4)
        # Through NumPy, which copies a window in a third of torch's time.
        self.windows_NHWPP = sliding_window_view(blank_NHW.numpy(), (2 * tile,) * 2, axis=(1, 2))
        self.places = boundary_NHW.nonzero()
        if len(self.places) == 0:
            raise _no_boundary(dataset, split)

    def pairs(
        self, count: int, generator: Generator, transformer: SpatialTransformer | None = None
    ) -> Pairs:
        """Every tile has a boundary pixel, at a random place in it.

        The transformations are random, or the transformer's; then gradients flow back to it. The
        moved tiles are blurred and faded by a random amount, as a network's probabilities are.
        """
        context_NPP = self.contexts(count, generator)
        still_NSS = self.centre(context_NPP)
        if transformer is None:
            theta_N33 = homography.sample(count, self.coefficients, generator)
        else:
            theta_N33 = transformer(still_NSS, generator)
        moved_NSS = _soften(homography.warp(context_NPP, theta_N33, self.tile), generator)
        return Pairs(moved_NSS, still_NSS, homography.normalise(theta_N33, self.coefficients))

    def shifted(
        self, context_NPP: Tensor, length_px: float, angle_N: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(N,S,S): the centre tiles moved that far in these directions, to whole pixels; and how
        far that is, (N,)."""
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
        """(N,S,S): the tiles themselves."""
        edge = self.tile // 2
        return context_NPP[:, edge : edge + self.tile, edge : edge + self.tile]

    def contexts(self, count: int, generator: Generator) -> Tensor:
        """(N,P,P), P = 2S: windows whose centre tile holds a boundary pixel."""
        chosen = torch.randint(len(self.places), (count,), generator=generator)
        image_N, row_N, column_N = self.places[chosen].unbind(dim=1)
        offset_2N = torch.randint(self.tile, (2, count), generator=generator)
        # The maps have a blank rim of one and a half tiles: the window's corner is never outside.
        first_2N = torch.stack((row_N, column_N)) - offset_2N + self.tile
        place = (image_N.numpy(), *first_2N.numpy())
        return torch.from_numpy(self.windows_NHWPP[place]).float()


def check_tile(tile: int, size: tuple[int, int]) -> None:
    """Raise a ValueError if the tile does not fit into images of this size."""
    side = min(size)
    require(tile <= side, "loss/tile", f"at most {side}, the images' shorter side", tile)


def require_boundary(dataset: Dataset) -> None:
    """Raise a DataError if the masks that a stage is trained or judged on have no boundary."""
    for split in ("train", "val"):
        if not any(_has_boundary(label_HW) for label_HW in _labels(dataset, split)):
            raise _no_boundary(dataset, split)


def _labels(dataset: Dataset, split: str) -> NDArray[np.uint8]:
    """(N,H,W): those whose boundaries tiles are cut from."""
    labels_NHW = dataset.splits[split].labels_NHW
    rows, columns = dataset.size
    step = -(-len(labels_NHW) // max(_IMAGES, _PIXELS // (rows * columns)))
    return labels_NHW[::step]


def _has_boundary(label_HW: NDArray[np.uint8]) -> bool:
    return bool(eight_neighbour_boundary(torch.from_numpy(label_HW).long().unsqueeze(0)).any())


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
    """(S,S): averages neighbours. Its two products cost a quarter of ``avg_pool2d``."""
    return torch.ones(side, side).tril(1).triu(-1) / 3
