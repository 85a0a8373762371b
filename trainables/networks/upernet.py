"""UPerNet on Swin transformers (Liu et al., ICCV 2021; Xiao et al., ECCV 2018). Output stride 4.

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
)


class UPerNet(Network):
    """Pyramid pooling on the last stage, then a feature pyramid whose levels are all fused."""

    auxiliary_weights = (0.4,)  # Swin-Transformer-Semantic-Segmentation, upernet_swin.py
    out_channels = 512

    def __init__(
        self, config: ModelConfig, num_classes: int, swin: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__()
        self.backbone = Backbone(config, swin, pixels, strict_img_size=False, drop_path_rate=0.0)
        self.transfer = self.backbone.transfer
        *lower, last = self.backbone.channels
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for channels in self.backbone.channels)
        self.pyramid = PyramidPooling(last, 512)
        self.project = conv_bn(self.pyramid.out_channels, 512, 3)
        self.laterals = nn.ModuleList(conv_bn(channels, 512) for channels in lower)
        self.smooth = nn.ModuleList(conv_bn(512, 512, 3) for _ in lower)
        self.fuse = conv_bn(4 * 512, 512, 3)
        self.classifier = nn.Conv2d(512, num_classes, 1)
        if config.auxiliary:
            self.auxiliary = nn.ModuleList([fcn_head(lower[-1], 256, num_classes)])

    def forward(self, images_B3HW: Tensor) -> Output:
        stages = [
            norm(stage_BhwD).permute(0, 3, 1, 2).contiguous()
            for norm, stage_BhwD in zip(self.norms, self.backbone(images_B3HW), strict=True)
        ]
        features_BDhw = self._fused(stages)
        logits_BKhw = self.classifier(features_BDhw)
        if self.auxiliary is None or not self.training:
            return Output(logits_BKhw, features_BDhw)
        return Output(logits_BKhw, features_BDhw, (self.auxiliary[0](stages[2]),))

    def _fused(self, stages: list[Tensor]) -> Tensor:
        top = self.project(torch.cat(self.pyramid(stages[-1]), dim=1))
        levels = [top]
        for lateral, stage in zip(reversed(self.laterals), reversed(stages[:-1]), strict=True):
            side = lateral(stage)
            levels.append(side + resized(levels[-1], side))
        smoothed = [
            top,
            *(conv(level) for conv, level in zip(reversed(self.smooth), levels[1:], strict=True)),
        ]
        return self.fuse(torch.cat([resized(x, smoothed[-1]) for x in reversed(smoothed)], dim=1))
