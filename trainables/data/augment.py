"""Augmentation of one training image: scale, deform, crop, mirror, colours, then a plug-in's own.

The random numbers of an image depend on (seed, epoch, index) alone. Targets (boundaries, distances)
are computed from the augmented labels. Shape letters: C bands, H rows, W columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import DataConfig, require
from trainables.config.pixels import RGB, Pixels
from trainables.data import plugin_augmentation, warp
from trainables.data.batch import Batch
from trainables.data.images import Map, Size
from trainables.data.jitter import color_jitter
from trainables.data.resampling import nearest
from trainables.data.units import in_units
from trainables.geometry.boundaries import VOID


@dataclass(frozen=True)
class Draw:
    """The random numbers of one image: five in [0, 1), and a stream for each further purpose."""

    flip: float
    scale: float
    top: float
    left: float
    brightness: float
    key: tuple[int, ...] = ()
    """Seed, epoch and index."""

    @classmethod
    def of(cls, seed: int, epoch: int, index: int) -> "Draw":
        key = (seed, epoch, index)
        flip, scale, top, left, brightness = np.random.default_rng(key).random(5).tolist()
        return cls(flip, scale, top, left, brightness, key)

    def generator(self, purpose: str) -> np.random.Generator:
        """A stream of its own, so that what one augmentation draws changes no other's numbers."""
        return np.random.default_rng([*self.key, crc32(purpose.encode())])


def is_off(config: DataConfig) -> bool:
    """Whether images stay as they are, except for mirroring left and right."""
    moves = (config.scale_min, config.scale_max) != (1, 1) or warp.is_on(config)
    crops = config.crop_height or config.crop_width
    colours = config.brightness or config.color_jitter
    own = plugin_augmentation.active(config)
    return not (moves or crops or colours or config.flip_vertical or own)


def augment(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw
) -> tuple[Tensor, Tensor]:
    """Transform a photograph (uint8) and its labels (uint8) in the same way.

    A scaled image that is smaller than the crop is padded at the right and the bottom: grey in the
    image, void in the labels.
    """
    image_CHW, labels_HW = _placed(image_CHW, labels_HW, config, draw, warp.GREY)
    return _with_plugin(_recoloured(image_CHW, config, draw), labels_HW, config, draw)


def _placed(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw, fill: float
) -> tuple[Tensor, Tensor]:
    """Scale, deform, crop and mirror; ``fill`` is what lies outside the image."""
    rows, columns = labels_HW.shape
    size = (config.crop_height or rows, config.crop_width or columns)
    if (scaled := scaled_size((rows, columns), config, draw)) != (rows, columns):
        image_CHW, labels_HW = _resized(image_CHW, labels_HW, scaled)
    if warp.is_on(config):
        image_CHW, labels_HW = _warped(image_CHW, labels_HW, size, draw, config, fill)
    else:
        image_CHW, labels_HW = _crop(image_CHW, labels_HW, size, draw, fill)
    upside_down, mirrored = turned(config, draw)
    if mirrored:
        image_CHW, labels_HW = image_CHW.flip(2), labels_HW.flip(1)
    if upside_down:
        image_CHW, labels_HW = image_CHW.flip(1), labels_HW.flip(0)
    return image_CHW, labels_HW


def scaled_size(size: Size, config: DataConfig, draw: Draw) -> Size:
    """Rows and columns of an image of this size once it is scaled."""
    scale = config.scale_min + (config.scale_max - config.scale_min) * draw.scale
    rows, columns = (max(round(scale * side), 1) for side in size)
    return rows, columns


def turned(config: DataConfig, draw: Draw) -> tuple[bool, bool]:
    """Whether an image is turned upside down, and whether it is mirrored left and right."""
    upside_down = config.flip_vertical and draw.generator("flip_vertical").random() < 0.5
    return upside_down, config.flip and draw.flip < 0.5


def shift_of(config: DataConfig, draw: Draw) -> int:
    """What ``data/brightness`` adds to a photograph's bytes."""
    return round(config.brightness * (2 * draw.brightness - 1))


def _recoloured(image_CHW: Tensor, config: DataConfig, draw: Draw) -> Tensor:
    if config.brightness:
        shift = shift_of(config, draw)  # limited before it is added, so that bytes suffice
        within = image_CHW.clamp(max=255 - shift) if shift > 0 else image_CHW.clamp(min=-shift)
        image_CHW = within + shift
    if config.color_jitter:
        random = draw.generator("color_jitter")
        image_CHW = color_jitter(image_CHW, config.color_jitter, random)
    return image_CHW


def _resized(image_CHW: Tensor, labels_HW: Tensor, scaled: Size) -> tuple[Tensor, Tensor]:
    from torchvision.transforms.v2 import functional as vision  # takes seconds to import

    rows, columns = map(nearest, labels_HW.shape, scaled)
    labels_HW = torch.from_numpy(labels_HW.numpy()[rows][:, columns])
    return vision.resize(image_CHW, list(scaled), antialias=True), labels_HW


def _crop(
    image_CHW: Tensor, labels_HW: Tensor, size: tuple[int, int], draw: Draw, fill: float
) -> tuple[Tensor, Tensor]:
    below = max(size[0] - labels_HW.shape[0], 0)
    right = max(size[1] - labels_HW.shape[1], 0)
    if below or right:
        image_CHW = F.pad(image_CHW, (0, right, 0, below), value=fill)
        labels_HW = F.pad(labels_HW, (0, right, 0, below), value=VOID)
    top, left = corner_of(_size(labels_HW), size, draw)
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    return image_CHW[:, *window], labels_HW[*window]


def _warped(
    image_CHW: Tensor,
    labels_HW: Tensor,
    size: tuple[int, int],
    draw: Draw,
    config: DataConfig,
    fill: float,
) -> tuple[Tensor, Tensor]:
    corner = corner_of(_size(labels_HW), size, draw)
    maps = image_CHW.permute(1, 2, 0).numpy(), labels_HW.numpy()
    image_HWC, labels = warp.warp(*maps, config, size, corner, draw, fill)
    return _tensor(image_HWC).permute(2, 0, 1), _tensor(labels)


def _size(labels_HW: Tensor) -> Size:
    rows, columns = labels_HW.shape
    return rows, columns


def corner_of(scaled: Size, size: Size, draw: Draw) -> tuple[int, int]:
    """Row and column of a crop of this size; 0 where the image is no larger."""
    rows, columns = (max(have - want, 0) for have, want in zip(scaled, size, strict=True))
    return int(draw.top * (rows + 1)), int(draw.left * (columns + 1))


def _with_plugin(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw
) -> tuple[Tensor, Tensor]:
    if not plugin_augmentation.active(config):
        return image_CHW, labels_HW
    image_HWC = np.ascontiguousarray(image_CHW.permute(1, 2, 0).numpy())
    image, labels = plugin_augmentation.apply(image_HWC, labels_HW.numpy(), config, draw)
    return _tensor(image).permute(2, 0, 1), _tensor(labels)


def augmented_maps(
    images: Iterable[Map],
    labels: Iterable[Map],
    config: DataConfig,
    draws: list[Draw],
    pixels: Pixels = RGB,
) -> Batch:
    """Images (B,C,H,W), bytes or floats in the unit of their type, and labels uint8 (B,H,W).

    Args:
        images: (H,W,C), one draw each; they may differ in size if the config gives both sides of a
            crop.
        labels: uint8 (H,W), of the images' sizes.
        pixels: what the images are. Photographs are augmented in bytes, others in floats.
    """
    pairs = [
        _augmented(_tensor(image_HWC).permute(2, 0, 1), _tensor(labels_HW), config, draw, pixels)
        for image_HWC, labels_HW, draw in zip(images, labels, draws, strict=True)
    ]
    images, labels = zip(*pairs, strict=True)
    rows_of_pixels = torch.stack([image_CHW.permute(1, 2, 0) for image_CHW in images])
    return Batch(rows_of_pixels.permute(0, 3, 1, 2).contiguous(), torch.stack(labels), {})


def _augmented(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw, pixels: Pixels
) -> tuple[Tensor, Tensor]:
    if pixels.plain:
        return augment(image_CHW, labels_HW, config, draw)
    require_no_jitter(config, pixels)
    image_CHW, fill = in_units(image_CHW), warp.GREY / 255
    if pixels.mean:  # padding that normalisation turns into zero, as the grey of photographs
        mean_C11 = torch.tensor(pixels.mean).view(-1, 1, 1)
        image_CHW, fill = image_CHW - mean_C11, 0.0
    image_CHW, labels_HW = _placed(image_CHW, labels_HW, config, draw, fill)
    if pixels.mean:
        image_CHW = image_CHW + mean_C11
    shift = config.brightness / 255 * (2 * draw.brightness - 1)
    image_CHW = image_CHW + shift * torch.tensor(pixels.span).view(-1, 1, 1)
    return _with_plugin(image_CHW, labels_HW, config, draw)


def require_no_jitter(config: DataConfig, pixels: Pixels) -> None:
    """Raise a ValueError if colours are jittered that are no photograph's."""
    words = f"0 with images of {pixels.kind} or normalised by data/normalize"
    require(not config.color_jitter, "data/color_jitter", words, config.color_jitter)


def _tensor(map_: NDArray[np.generic]) -> Tensor:
    """A tensor on the map's own memory; of a copy if that may not be written, as torch asks."""
    return torch.from_numpy(np.require(map_, requirements="W"))
