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
        self._raw_bands = 0 if pixels.mean else pixels.of_image.bands
        self.out_channels = width
        self.down = nn.ModuleList(
            [_block(pixels.bands, width), _block(width, 2 * width), _block(2 * width, 4 * width)]
        )
        self.up = nn.ModuleList([_block(6 * width, 2 * width), _block(3 * width, width)])

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """(B,width,H,W) for images in [0,1] of any size from 4x4."""
        x = self._centred(images_B3HW)
        skips = []
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)
            skips.append(x)
        for block, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = block(torch.cat((x, skip), dim=1))
        return x

    def _centred(self, images_BCHW: Tensor) -> Tensor:
        """In -1 .. 1 what no statistics normalise; further maps come normalised."""
        if not self._raw_bands:
            return images_BCHW
        if self._raw_bands == images_BCHW.shape[1]:
            return images_BCHW * 2 - 1
        image, maps = images_BCHW[:, : self._raw_bands], images_BCHW[:, self._raw_bands :]
        return torch.cat((image * 2 - 1, maps), dim=1)
