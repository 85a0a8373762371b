"""Dilated ResNets with context heads: DeepLab v2, v3, v3+, and PSPNet. Output stride 8.

Shape letters: B images, D features, h rows, w columns at a stride.
"""

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import (
    Backbone,
    Network,
    Output,
    PyramidPooling,
    conv_bn,
    fcn_head,
    resized,
    separable,
)

_AUXILIARY_INPUTS = 1024  # stage 4 of a bottleneck ResNet
_LAST = 2048


class _Dilated(Network):
    """A ResNet with its last two stages dilated, a context module and a classifier."""

    classifier: nn.Module

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__()
        self.backbone = Backbone(config, resnet, pixels, output_stride=8)
        self.transfer = self.backbone.transfer
        if config.auxiliary:
            self.auxiliary = nn.ModuleList([fcn_head(_AUXILIARY_INPUTS, 256, num_classes)])

    def context(self, stages: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def forward(self, images_B3HW: Tensor) -> Output:
        stages = self.backbone(images_B3HW)
        features_BDhw = self.context(stages)
        logits_BKhw = self.classifier(features_BDhw)
        if self.auxiliary is None or not self.training:
            return Output(logits_BKhw, features_BDhw)
        return Output(logits_BKhw, features_BDhw, (self.auxiliary[0](stages[3]),))


def deeplab_head(inputs: int) -> nn.Sequential:
    """Dilated pyramid pooling and a 3x3 convolution, to 256 features."""
    from torchvision.models.segmentation.deeplabv3 import ASPP

    aspp = ASPP(inputs, [12, 24, 36])
    aspp.project[3].p = 0.0  # no dropout: see network.py
    return nn.Sequential(aspp, conv_bn(256, 256, 3))


class DeepLabV3(_Dilated):
    """Chen et al., arXiv 1706.05587, as torchvision builds it."""

    auxiliary_weights = (0.5,)  # torchvision references/segmentation
    out_channels = 256

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__(config, num_classes, resnet, pixels)
        self.head = deeplab_head(_LAST)
        self.classifier = nn.Conv2d(256, num_classes, 1)

    def context(self, stages: list[Tensor]) -> Tensor:
        return self.head(stages[-1])


class DeepLabV3Plus(_Dilated):
    """Chen et al., ECCV 2018, on a ResNet: separable ASPP of 512 channels, 48 of stage 2."""

    auxiliary_weights = (0.4,)  # mmsegmentation, deeplabv3plus_r50-d8
    out_channels = 512
    DILATIONS = (12, 24, 36)

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__(config, num_classes, resnet, pixels)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_bn(_LAST, 512))
        self.branches = nn.ModuleList(
            [conv_bn(_LAST, 512), *(separable(_LAST, 512, rate) for rate in self.DILATIONS)]
        )
        self.project = conv_bn(5 * 512, 512, 3)
        self.low = conv_bn(256, 48)
        self.fuse = nn.Sequential(separable(512 + 48, 512), separable(512, 512))
        self.classifier = nn.Conv2d(512, num_classes, 1)

    def context(self, stages: list[Tensor]) -> Tensor:
        last, low = stages[-1], self.low(stages[1])
        parts = [resized(self.pool(last), last), *(branch(last) for branch in self.branches)]
        x_BDhw = self.project(torch.cat(parts, dim=1))
        return self.fuse(torch.cat((resized(x_BDhw, low), low), dim=1))


class PSPNet(_Dilated):
    """Zhao et al., CVPR 2017."""

    auxiliary_weights = (0.4,)  # its Sec. 5.2
    out_channels = 512

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__(config, num_classes, resnet, pixels)
        self.pyramid = PyramidPooling(_LAST, 512)
        self.project = conv_bn(self.pyramid.out_channels, 512, 3)
        self.classifier = nn.Conv2d(512, num_classes, 1)

    def context(self, stages: list[Tensor]) -> Tensor:
        return self.project(torch.cat(self.pyramid(stages[-1]), dim=1))


class DeepLabV2(_Dilated):
    """Chen et al., TPAMI 2018 (SEMEDA's network): the sum of four dilated 3x3 classifiers."""

    out_channels = _LAST
    DILATIONS = (6, 12, 18, 24)

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__(config, num_classes, resnet, pixels)
        self.auxiliary = None
        self.classifier = _Sum(
            nn.Conv2d(_LAST, num_classes, 3, padding=rate, dilation=rate) for rate in self.DILATIONS
        )

    def context(self, stages: list[Tensor]) -> Tensor:
        return stages[-1]


class _Sum(nn.ModuleList):
    def forward(self, x_BDhw: Tensor) -> Tensor:
        return torch.stack([layer(x_BDhw) for layer in self]).sum(dim=0)
