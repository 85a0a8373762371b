"""Networks that need little code: the tiny one and LR-ASPP.

Shape letters: B images, D features, H rows, W columns (h, w at a stride).
"""

from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import Backbone, Network, Output, resized
from trainables.networks.tiny import TinyUNet


class Tiny(Network):
    """The network of the built-in study: features at full resolution, images of any size."""

    multiple = 1

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        self.features = TinyUNet(config.width, pixels)
        self.out_channels = config.width
        self.classifier = nn.Conv2d(config.width, num_classes, 1)

    def forward(self, images_B3HW: Tensor) -> Output:
        features_BDhw = self.features(images_B3HW)
        return Output(self.classifier(features_BDhw), features_BDhw)


class LRASPP(Network):
    """Howard et al., ICCV 2019, on MobileNetV3-Large with a dilated last stage. Output stride 8.

    Its two classifiers use features of two strides; a boundary head uses the deeper ones.
    """

    out_channels = 128
    classifiers = ("head.low_classifier", "head.high_classifier")

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        from torchvision.models.segmentation.lraspp import LRASPPHead

        self.backbone = Backbone(
            config, "mobilenetv3_large_100", pixels, output_stride=16, out_indices=(2, 4)
        )
        self.transfer = self.backbone.transfer
        low, high = self.backbone.channels
        self.head = LRASPPHead(low, high, num_classes, self.out_channels)

    def forward(self, images_B3HW: Tensor) -> Output:
        low, high = self.backbone(images_B3HW)
        features_BDhw = resized(self.head.cbr(high) * self.head.scale(high), low)
        logits_BKhw = self.head.low_classifier(low) + self.head.high_classifier(features_BDhw)
        return Output(logits_BKhw, features_BDhw)
