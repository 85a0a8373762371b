"""The baseline of Vandenhende et al. (TPAMI 2021): one encoder, and a head for each task.

Shape letters: B images, D features, h rows, w columns at the features' stride.
"""

from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks
from trainables.networks.dilated import deeplab_head
from trainables.networks.multi_task.host import Host
from trainables.networks.multi_task.pyramid import Pyramid, fused_head, require_timm, stacked
from trainables.networks.network import Backbone, Output


class MTLBaseline(Host):
    """On a ResNet, dilated, DeepLab's head at stride 8; on other encoders HRNet's at stride 4.

    The published code is Multi-Task-Learning-PyTorch's ``multi_task``/``baseline``.
    """

    def __init__(
        self,
        config: ModelConfig,
        num_classes: int,
        pixels: Pixels = RGB,
        tasks: NetworkTasks | None = None,
    ) -> None:
        super().__init__(num_classes, tasks)
        self.dilated = config.encoder.startswith("resnet")
        if self.dilated:
            require_timm(config)
            self.backbone = Backbone(config, config.encoder, pixels, output_stride=8)
            self.out_channels = self.backbone.channels[-1]
        else:
            self.pyramid = Pyramid(config, pixels)
            self.backbone = self.pyramid.backbone
            self.out_channels = sum(self.pyramid.channels)
        self.transfer = self.backbone.transfer
        self.heads = nn.ModuleDict(
            {name: self._head(channels) for name, channels in self.predicted.main}
        )

    def _head(self, outputs: int) -> nn.Sequential:
        if self.dilated:
            head = deeplab_head(self.out_channels)
            return nn.Sequential(*head, nn.Conv2d(256, outputs, 1))
        return fused_head(self.out_channels, outputs)

    def forward(self, images_B3HW: Tensor) -> Output:
        if self.dilated:
            features_BDhw = self.backbone(images_B3HW)[-1]
        else:
            features_BDhw = stacked(self.pyramid(images_B3HW))
        maps = {name: self.heads[name](features_BDhw) for name in self.predicted.channels}
        return self.output(maps, features_BDhw)
