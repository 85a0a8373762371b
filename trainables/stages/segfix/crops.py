"""Random crops of the training images for SegFix, with what its network learns from them.

Shape letters: B crops, C bands, H rows, W columns, S crop side.
"""

from math import ceil
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor

from trainables.config import SegFixConfig
from trainables.data.dataset import ImageList
from trainables.data.units import in_units
from trainables.refinement import segfix
from trainables.refinement.segfix_targets import interior, near

_AROUND = 16
"""The least number of rows and columns around a crop whose labels decide what is learned in it."""
_BRIGHTNESS = 10
"""Of 255: the most by which a crop of bytes is brightened or darkened, as released."""


class Crops(NamedTuple):
    images_BCSS: Tensor
    near_BSS: Tensor
    direction_BSS: Tensor


class Learnt(NamedTuple):
    """Of some pixels, the labels that the network learns."""

    near_BHW: Tensor
    direction_BHW: Tensor


def learnt(
    labels_BHW: Tensor, num_classes: int, settings: SegFixConfig, *, mirror: bool = False
) -> Learnt:
    """Of the labels' pixels, int64 and -1 where unknown; ``mirror``: of the mirrored image."""
    depth_BHW, angle_BHW = interior(labels_BHW, num_classes, variant=settings.variant)
    if mirror:
        depth_BHW = depth_BHW.flip(-1)
        angle_BHW = segfix.flipped(angle_BHW, variant=settings.variant)
    direction_BHW = segfix.bins(angle_BHW, settings.directions)
    return Learnt(near(depth_BHW, settings.distance), direction_BHW)


def draw(
    images: ImageList, num_classes: int, settings: SegFixConfig, generator: Generator
) -> Crops:
    """Crops of images, places, mirroring and brightness that the generator decides."""
    crops = [_one(images, num_classes, settings, generator) for _ in range(settings.batch)]
    return Crops(*(torch.stack(parts) for parts in zip(*crops, strict=True)))


def _one(
    images: ImageList, num_classes: int, settings: SegFixConfig, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    row = _below(len(images), generator)
    labels_HW = images.labels_NHW[row]
    top, left = (_below(max(side - settings.crop, 0) + 1, generator) for side in labels_HW.shape)
    mirror = bool(_below(2, generator))
    image_HWC = images.images_NHWC[row]
    image_CSS = _piece(image_HWC, top, left, settings.crop, mirror=mirror)
    if image_HWC.dtype == np.uint8:
        change = (2 * torch.rand((), generator=generator) - 1) * _BRIGHTNESS / 255
        image_CSS = (image_CSS + change).clamp(0, 1)
    window_HW, up, beside = _window(labels_HW, top, left, settings)
    found = learnt(window_HW.unsqueeze(0), num_classes, settings, mirror=mirror)
    rows, columns = (min(settings.crop, side) for side in labels_HW.shape)
    if mirror:
        beside = window_HW.shape[1] - beside - columns
    inside = slice(up, up + rows), slice(beside, beside + columns)
    lacking = (0, settings.crop - columns, 0, settings.crop - rows)
    near_SS, direction_SS = (
        F.pad(map_1HW[0][inside], lacking, value=segfix.UNKNOWN) for map_1HW in found
    )
    return image_CSS, near_SS, direction_SS


def _window(
    labels_HW: NDArray[np.uint8], top: int, left: int, settings: SegFixConfig
) -> tuple[Tensor, int, int]:
    """The labels that decide a crop's, and where in them it begins.

    The released code looks at complete images, as it leaves out classes with few pixels.
    """
    if settings.variant == "released":
        return torch.from_numpy(labels_HW).long(), top, left
    # A direction compares depths up to 2 px away, which are larger by 2.8 px at most: near
    # boundaries all are those of the complete image.
    around = max(_AROUND, ceil(settings.distance) + 5)
    first_row, first_column = max(top - around, 0), max(left - around, 0)
    reach = settings.crop + around
    window_HW = labels_HW[first_row : top + reach, first_column : left + reach]
    return torch.from_numpy(window_HW).long(), top - first_row, left - first_column


def _piece(
    image_HWC: NDArray[np.uint8 | np.uint16 | np.float32],
    top: int,
    left: int,
    side: int,
    *,
    mirror: bool,
) -> Tensor:
    """float (C,S,S); beyond a smaller image, its last row and column."""
    piece_SSC = image_HWC[top : top + side, left : left + side]
    piece_SSC = np.ascontiguousarray(piece_SSC[:, ::-1] if mirror else piece_SSC)
    image_CSS = in_units(torch.from_numpy(piece_SSC).permute(2, 0, 1))
    lacking = (0, side - image_CSS.shape[2], 0, side - image_CSS.shape[1])
    return F.pad(image_CSS.unsqueeze(0), lacking, mode="replicate").squeeze(0)


def _below(count: int, generator: Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))
