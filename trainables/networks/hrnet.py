"""HRNetV2 with its own head, and with object-contextual representations (OCR). Output stride 4.

Shape letters: B images, K classes, D features, C key channels, h rows, w columns at stride 4,
P = h w pixels.
"""

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import Backbone, Network, Output, conv_bn, resized


class Streams(nn.Module):
    """The four resolutions, enlarged to the largest and stacked."""

    def __init__(self, config: ModelConfig, name: str, pixels: Pixels) -> None:
        super().__init__()
        self.backbone = Backbone(
            config, name, pixels, feature_location="", out_indices=(1, 2, 3, 4)
        )
        self.out_channels = sum(self.backbone.channels)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        streams = self.backbone(images_B3HW)
        return torch.cat([resized(stream, streams[0]) for stream in streams], dim=1)


class HRNet(Network):
    """Wang et al., TPAMI 2021: 1x1 convolution over the stacked streams, then the classifier."""

    def __init__(
        self, config: ModelConfig, num_classes: int, name: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__()
        self.streams = Streams(config, name, pixels)
        self.transfer = self.streams.backbone.transfer
        self.out_channels = self.streams.out_channels
        self.fuse = conv_bn(self.out_channels, self.out_channels)
        self.classifier = nn.Conv2d(self.out_channels, num_classes, 1)

    def forward(self, images_B3HW: Tensor) -> Output:
        features_BDhw = self.fuse(self.streams(images_B3HW))
        return Output(self.classifier(features_BDhw), features_BDhw)


class HRNetOCR(Network):
    """Yuan et al., ECCV 2020. Its coarse logits are needed in evaluation too."""

    auxiliary_weights = (0.4,)  # HRNet-Semantic-Segmentation, branch HRNet-OCR
    out_channels = 512
    classifiers = ()
    KEYS = 256

    def __init__(
        self, config: ModelConfig, num_classes: int, name: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__()
        self.streams = Streams(config, name, pixels)
        self.transfer = self.streams.backbone.transfer
        self.with_auxiliary = config.auxiliary
        width = self.streams.out_channels
        self.coarse = nn.Sequential(conv_bn(width, width), nn.Conv2d(width, num_classes, 1))
        self.pixels = conv_bn(width, 512, 3)
        self.query = nn.Sequential(conv_bn(512, self.KEYS), conv_bn(self.KEYS, self.KEYS))
        self.key = nn.Sequential(conv_bn(512, self.KEYS), conv_bn(self.KEYS, self.KEYS))
        self.value = conv_bn(512, self.KEYS)
        self.up = conv_bn(self.KEYS, 512)
        self.fuse = conv_bn(2 * 512, 512)
        self.classifier = nn.Conv2d(512, num_classes, 1)

    def forward(self, images_B3HW: Tensor) -> Output:
        streams_BDhw = self.streams(images_B3HW)
        coarse_BKhw = self.coarse(streams_BDhw)
        pixels_BDhw = self.pixels(streams_BDhw)
        context_BDhw = self._context(pixels_BDhw, coarse_BKhw)
        features_BDhw = self.fuse(torch.cat((context_BDhw, pixels_BDhw), dim=1))
        heads = (coarse_BKhw,) if self.training and self.with_auxiliary else ()
        return Output(self.classifier(features_BDhw), features_BDhw, heads)

    def _context(self, pixels_BDhw: Tensor, coarse_BKhw: Tensor) -> Tensor:
        """Each pixel's mixture of the classes' mean features (Eqs. 2 to 4)."""
        share_BKP = coarse_BKhw.flatten(2).softmax(dim=2)
        regions_BDK1 = (pixels_BDhw.flatten(2) @ share_BKP.transpose(1, 2)).unsqueeze(3)
        query_BCP = self.query(pixels_BDhw).flatten(2)
        key_BCK = self.key(regions_BDK1).squeeze(3)
        value_BCK = self.value(regions_BDK1).squeeze(3)
        likeness_BPK = (query_BCP.transpose(1, 2) @ key_BCK * self.KEYS**-0.5).softmax(dim=2)
        context_BCP = value_BCK @ likeness_BPK.transpose(1, 2)
        return self.up(context_BCP.unflatten(2, pixels_BDhw.shape[-2:]))
