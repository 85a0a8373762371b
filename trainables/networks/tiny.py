"""A U-Net small enough for a laptop: three scales, group normalisation.

Shape letters: B images, D channels, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config.pixels import RGB, Pixels


def _block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(4, outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


class TinyUNet(nn.Module):
    """Features at full resolution; with group norm, images do not depend on each other."""

    def __init__(self, width: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        self._normalised = bool(pixels.mean)
        self.out_channels = width
        self.down = nn.ModuleList(
            [_block(pixels.bands, width), _block(width, 2 * width), _block(2 * width, 4 * width)]
        )
        self.up = nn.ModuleList([_block(6 * width, 2 * width), _block(3 * width, width)])

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """(B,width,H,W) for images in [0,1] of any size from 4x4."""
        x = images_B3HW if self._normalised else images_B3HW * 2 - 1
        skips = []
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)
            skips.append(x)
        for block, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = block(torch.cat((x, skip), dim=1))
        return x
