"""Augmentation of one training image: scale, crop, mirror, brightness, by torchvision's v2.

The random numbers of an image depend on (seed, epoch, index) alone. Targets (boundaries, distances)
are computed from the augmented labels. Shape letters: C colours, H rows, W columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import DataConfig
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


def augment(
    image_CHW: Tensor, labels_HW: Tensor, config: DataConfig, draw: Draw
) -> tuple[Tensor, Tensor]:
    """Transform an image (uint8) and its labels (uint8) in the same way.

    A scaled image that is smaller than the crop is padded at the right and the bottom: grey in the
    image, void in the labels.
    """
    rows, columns = labels_HW.shape
    size = (config.crop_height or rows, config.crop_width or columns)
    scale = config.scale_min + (config.scale_max - config.scale_min) * draw.scale
    if scale != 1:
        scaled = [max(round(scale * side), 1) for side in (rows, columns)]
        image_CHW, labels_HW = _resized(image_CHW, labels_HW, scaled)
    image_CHW, labels_HW = _crop(image_CHW, labels_HW, size, draw)
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


_GREY = 124
"""ImageNet's mean, which normalisation turns into zero."""


def _crop(
    image_CHW: Tensor, labels_HW: Tensor, size: tuple[int, int], draw: Draw
) -> tuple[Tensor, Tensor]:
    below = max(size[0] - labels_HW.shape[0], 0)
    right = max(size[1] - labels_HW.shape[1], 0)
    if below or right:
        image_CHW = F.pad(image_CHW, (0, right, 0, below), value=_GREY)
        labels_HW = F.pad(labels_HW, (0, right, 0, below), value=VOID)
    top = int(draw.top * (labels_HW.shape[0] - size[0] + 1))
    left = int(draw.left * (labels_HW.shape[1] - size[1] + 1))
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    return image_CHW[:, *window], labels_HW[*window]


def augmented_batch(
    images: Iterable[Map], labels: Iterable[Map], config: DataConfig, draws: list[Draw]
) -> tuple[Tensor, Tensor]:
    """Images float (B,3,H,W) in [0,1] and labels int64 (B,H,W), one draw per image.

    Args:
        images: uint8 (H,W,3); they may differ in size if the config gives both sides of a crop.
        labels: uint8 (H,W), of the images' sizes.
    """
    pairs = [
        augment(_tensor(image_HWC).permute(2, 0, 1), _tensor(labels_HW), config, draw)
        for image_HWC, labels_HW, draw in zip(images, labels, draws, strict=True)
    ]
    images, labels = zip(*pairs, strict=True)
    return torch.stack(images).float().div(255), torch.stack(labels).long()


def _tensor(map_: Map) -> Tensor:
    """A tensor on the map's own memory; of a copy if that may not be written, as torch asks."""
    return torch.from_numpy(np.require(map_, requirements="W"))
