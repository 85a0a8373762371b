"""SegFix's network: which pixels are near a boundary, and where their interior lies (section 3).

Shape letters: B images, C bands, D features, N directions, H rows, W columns (h, w at the stride of
the features).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, SegFixConfig
from trainables.config.pixels import Pixels
from trainables.networks.hrnet import Streams
from trainables.networks.network import conv_bn, enlarged, resized
from trainables.networks.padding import Padding
from trainables.networks.standardise import Standardise

_HIDDEN = 256
"""Channels of the two heads."""
_LEVELS = 4


class SegFixOutput(NamedTuple):
    """Logits, at the stride of the network or at the images' size."""

    near_B2hw: Tensor
    """Of "far from a boundary" and "near"."""
    direction_BNhw: Tensor


class SegFixNet(nn.Module):
    """A backbone with two heads: 1x1 convolution to 256, batch norm, ReLU, 1x1 without bias."""

    def __init__(self, settings: SegFixConfig, pixels: Pixels) -> None:
        super().__init__()
        self.standardise = Standardise(pixels)
        self.backbone: Streams | Pyramid
        if settings.network == "fpn":
            self.backbone, self.multiple = Pyramid(settings.width, pixels.bands), 2**_LEVELS
        else:
            self.backbone, self.multiple = _hrnet(settings, pixels), 32
        self.near = _head(self.backbone.out_channels, 2)
        self.direction = _head(self.backbone.out_channels, settings.directions)

    def forward(self, images_BCHW: Tensor) -> SegFixOutput:
        """For images as a ``Segmenter`` receives them, of sides that ``multiple`` divides."""
        features_BDhw = self.backbone(self.standardise(images_BCHW))
        return SegFixOutput(self.near(features_BDhw), self.direction(features_BDhw))

    def at_full_size(self, images_BCHW: Tensor) -> SegFixOutput:
        """The logits of images of any size, at that size."""
        rows, columns = images_BCHW.shape[-2:]
        padding = Padding.of(rows, columns, self.multiple)
        padded_BCHW = padding.around(images_BCHW)
        maps = (enlarged(map_BLhw, padded_BCHW.shape[-2:]) for map_BLhw in self(padded_BCHW))
        return SegFixOutput(*map(padding.cut, maps))


def _hrnet(settings: SegFixConfig, pixels: Pixels) -> Streams:
    try:
        return Streams(ModelConfig(weights=settings.weights), settings.network, pixels)
    except ValueError as error:
        reason, *_ = str(error).removeprefix("model/weights: ").partition("; give a file")
        raise ValueError(f"segfix/weights: {reason}; none begins at random") from None


def _head(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv_bn(inputs, _HIDDEN), nn.Conv2d(_HIDDEN, outputs, 1, bias=False))


class Pyramid(nn.Module):
    """A small feature pyramid (after Lin et al., CVPR 2017), ours: strides 2 to 16, all stacked."""

    def __init__(self, width: int, bands: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(_LEVELS)]
        self.down = nn.ModuleList(
            nn.Sequential(conv_bn(before, after, 3, stride=2), conv_bn(after, after, 3))
            for before, after in zip([bands, *widths], widths, strict=False)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in widths)
        self.smooth = nn.ModuleList(conv_bn(width, width, 3) for _ in widths)
        self.out_channels = _LEVELS * width

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """(B,D,h,w) at stride 2."""
        levels, features_BDhw = [], images_BCHW
        for down, lateral in zip(self.down, self.lateral, strict=True):
            features_BDhw = down(features_BDhw)
            levels.append(lateral(features_BDhw))
        for finer in reversed(range(_LEVELS - 1)):
            levels[finer] = levels[finer] + resized(levels[finer + 1], levels[finer])
        smooth = [layer(level) for layer, level in zip(self.smooth, levels, strict=True)]
        return torch.cat([resized(level, smooth[0]) for level in smooth], dim=1)
