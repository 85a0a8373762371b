"""Augmentation of one training image: scale, crop, mirror, brightness, by torchvision's v2.

The random numbers of an image depend on (seed, epoch, index) alone. Targets (boundaries, distances)
are computed from the augmented labels. Shape letters: C colours, H rows, W columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import DataConfig
from trainables.config.pixels import RGB, Pixels
from trainables.data.images import Map
from trainables.geometry.boundaries import VOID


@dataclass(frozen=True)
class Draw:
    """The random numbers of one image, each in [0, 1)."""

    flip: float
    scale: float
    top: float
    left: float
    brightness: float

    @classmethod
    def of(cls, seed: int, epoch: int, index: int) -> "Draw":
        return cls(*np.random.default_rng([seed, epoch, index]).random(5).tolist())


def is_off(config: DataConfig) -> bool:
    """Whether images stay as they are, except for mirroring."""
    resizes = (config.scale_min, config.scale_max) != (1, 1)
    return not (resizes or config.crop_height or config.crop_width or config.brightness)


_GREY = 124
"""ImageNet's mean, which normalisation turns into zero."""


def augment(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw, *, fill: float = _GREY
) -> tuple[Tensor, Tensor]:
    """Transform an image (uint8, or float without brightness) and its labels (uint8) alike.

    A scaled image that is smaller than the crop is padded at the right and the bottom: with
    ``fill`` in the image, with void in the labels.
    """
    rows, columns = labels_HW.shape
    size = (config.crop_height or rows, config.crop_width or columns)
    scale = config.scale_min + (config.scale_max - config.scale_min) * draw.scale
    if scale != 1:
        scaled = [max(round(scale * side), 1) for side in (rows, columns)]
        image_CHW, labels_HW = _resized(image_CHW, labels_HW, scaled)
    image_CHW, labels_HW = _crop(image_CHW, labels_HW, size, draw, fill)
    if config.flip and draw.flip < 0.5:
        image_CHW, labels_HW = image_CHW.flip(2), labels_HW.flip(1)
    if config.brightness:
        shift = round(config.brightness * (2 * draw.brightness - 1))
        image_CHW = (image_CHW.short() + shift).clamp(0, 255).byte()
    return image_CHW, labels_HW


def _resized(image_CHW: Tensor, labels_HW: Tensor, size: list[int]) -> tuple[Tensor, Tensor]:
    from torchvision.transforms import InterpolationMode  # takes seconds to import
    from torchvision.transforms.v2 import functional as vision

    image_CHW = vision.resize(image_CHW, size, antialias=True)
    return image_CHW, vision.resize(labels_HW[None], size, InterpolationMode.NEAREST)[0]


def _crop(
    image_CHW: Tensor, labels_HW: Tensor, size: tuple[int, int], draw: Draw, fill: float
) -> tuple[Tensor, Tensor]:
    below = max(size[0] - labels_HW.shape[0], 0)
    right = max(size[1] - labels_HW.shape[1], 0)
    if below or right:
        image_CHW = F.pad(image_CHW, (0, right, 0, below), value=fill)
        labels_HW = F.pad(labels_HW, (0, right, 0, below), value=VOID)
    top = int(draw.top * (labels_HW.shape[0] - size[0] + 1))
    left = int(draw.left * (labels_HW.shape[1] - size[1] + 1))
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    return image_CHW[:, *window], labels_HW[*window]


def augmented_batch(
    images: Iterable[Map],
    labels: Iterable[Map],
    config: DataConfig,
    draws: list[Draw],
    pixels: Pixels = RGB,
) -> tuple[Tensor, Tensor]:
    """Images float (B,C,H,W) in the unit of their type and labels int64 (B,H,W), one draw each.

    Args:
        images: (H,W,C); they may differ in size if the config gives both sides of a crop.
        labels: uint8 (H,W), of the images' sizes.
        pixels: what the images are. Photographs are augmented in bytes, others in floats.
    """
    pairs = [
        _augmented(_tensor(image_HWC).permute(2, 0, 1), _tensor(labels_HW), config, draw, pixels)
        for image_HWC, labels_HW, draw in zip(images, labels, draws, strict=True)
    ]
    images, labels = zip(*pairs, strict=True)
    return in_units(torch.stack(images)), torch.stack(labels).long()


def _augmented(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw, pixels: Pixels
) -> tuple[Tensor, Tensor]:
    if pixels.plain:
        return augment(image_CHW, labels_HW, config, draw)
    image_CHW, fill = in_units(image_CHW), _GREY / 255
    if pixels.mean:  # padding that normalisation turns into zero, as the grey of photographs
        mean_C11 = torch.tensor(pixels.mean).view(-1, 1, 1)
        image_CHW, fill = image_CHW - mean_C11, 0.0
    image_CHW, labels_HW = augment(
        image_CHW, labels_HW, replace(config, brightness=0), draw, fill=fill
    )
    if pixels.mean:
        image_CHW = image_CHW + mean_C11
    shift = config.brightness / 255 * (2 * draw.brightness - 1)
    return image_CHW + shift * torch.tensor(pixels.span).view(-1, 1, 1), labels_HW


def in_units(images: Tensor) -> Tensor:
    """Float images in the unit of their type: bytes / 255, 16 bits / 65535, floats as they are."""
    if images.dtype == torch.float32:
        return images
    return images.float().div(65535 if images.dtype == torch.uint16 else 255)


def _tensor(map_: Map) -> Tensor:
    """A tensor on the map's own memory; of a copy if that may not be written, as torch asks."""
    return torch.from_numpy(np.require(map_, requirements="W"))
