"""ICNet-50 (Zhao et al., ECCV 2018): an image cascade at a quarter, half and full size.

All layers have their full width; the authors halve it by pruning after training. Output stride 4.
Shape letters: B images, D features, H rows, W columns (h, w at a stride).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import (
    Backbone,
    Network,
    Output,
    PyramidPooling,
    conv_bn,
    normalized,
    resized,
)


def _scaled(x_BDhw: Tensor, factor: float) -> Tensor:
    return F.interpolate(x_BDhw, scale_factor=factor, mode="bilinear", align_corners=False)


class CascadeFusion(nn.Module):
    """The coarser branch, enlarged twice and smoothed, plus the finer one (Fig. 4)."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        self.coarse = conv_bn(coarse, outputs, 3, dilation=2, relu=False)
        self.fine = conv_bn(fine, outputs, relu=False)

    def forward(self, coarse_BDhw: Tensor, fine_BDhw: Tensor) -> Tensor:
        return F.relu(self.coarse(resized(coarse_BDhw, fine_BDhw)) + self.fine(fine_BDhw))


class ICNet(Network):
    """The half and the quarter branch share their layers up to the first block of stage 3."""

    auxiliary_weights = (0.16, 0.4)  # the paper's lambda_1, lambda_2
    out_channels = 256

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__()
        self.backbone = Backbone(config, resnet, pixels, output_stride=8)
        self.transfer = self.backbone.transfer
        self.pyramid = nn.ModuleList(nn.AdaptiveAvgPool2d(bins) for bins in PyramidPooling.BINS)
        self.narrow = conv_bn(2048, 512)
        self.full = nn.Sequential(
            conv_bn(pixels.bands, 32, 3, stride=2),
            conv_bn(32, 32, 3, stride=2),
            conv_bn(32, 64, 3, stride=2),
        )
        self.fuse_half = CascadeFusion(512, 512, 256)
        self.fuse_full = CascadeFusion(256, 64, 256)
        self.classifier = nn.Conv2d(256, num_classes, 1)
        if config.auxiliary:
            self.auxiliary = nn.ModuleList(
                nn.Conv2d(channels, num_classes, 1) for channels in (512, 256)
            )

    def forward(self, images_B3HW: Tensor) -> Output:
        images_B3HW = normalized(images_B3HW, self.backbone.mean, self.backbone.std)
        # The half branch ends at a sixteenth of the image's sides, the quarter branch at a 32nd.
        half_BDhw = self._first_layers(_scaled(images_B3HW, 0.5))
        quarter_BDhw = self._last_layers(_scaled(half_BDhw, 0.5))
        middle_BDhw = self.fuse_half(quarter_BDhw, half_BDhw)
        fine_BDhw = self.fuse_full(middle_BDhw, self.full(images_B3HW))
        features_BDhw = _scaled(fine_BDhw, 2)
        logits_BKhw = self.classifier(features_BDhw)
        if self.auxiliary is None or not self.training:
            return Output(logits_BKhw, features_BDhw)
        coarser = (resized(quarter_BDhw, half_BDhw), resized(middle_BDhw, fine_BDhw))
        heads = tuple(head(x) for head, x in zip(self.auxiliary, coarser, strict=True))
        return Output(logits_BKhw, features_BDhw, heads)

    def _first_layers(self, x_BDhw: Tensor) -> Tensor:
        body = self.backbone.body
        x_BDhw = body.maxpool(body.act1(body.bn1(body.conv1(x_BDhw))))
        return body.layer2[0](body.layer1(x_BDhw))

    def _last_layers(self, x_BDhw: Tensor) -> Tensor:
        body = self.backbone.body
        x_BDhw = body.layer4(body.layer3(body.layer2[1:](x_BDhw)))
        pooled = [resized(pool(x_BDhw), x_BDhw) for pool in self.pyramid]
        return self.narrow(x_BDhw + sum(pooled))
