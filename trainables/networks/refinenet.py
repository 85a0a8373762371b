"""Light-Weight RefineNet (Nekrasov et al., BMVC 2018): ResNet, 1x1 convolutions, chained pooling.

Output stride 4. Shape letters: B images, D features, h rows, w columns at a stride.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import Backbone, Network, Output, resized


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)


class ChainedPooling(nn.Module):
    """Pool and convolve four times, and add up what each step gives."""

    STEPS = 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(_conv(channels, channels) for _ in range(self.STEPS))

    def forward(self, x_BDhw: Tensor) -> Tensor:
        top_BDhw = total_BDhw = F.relu(x_BDhw)
        for convolution in self.convolutions:
            top_BDhw = convolution(F.max_pool2d(top_BDhw, 5, stride=1, padding=2))
            total_BDhw = total_BDhw + top_BDhw
        return total_BDhw


class RefineNetLW(Network):
    """From stride 32 to 4, each stage is narrowed, added and pooled; the classifier is 3x3."""

    out_channels = 256
    WIDTHS = (512, 256, 256, 256)

    def __init__(
        self, config: ModelConfig, num_classes: int, resnet: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__()
        self.backbone = Backbone(config, resnet, pixels, out_indices=(1, 2, 3, 4))
        self.transfer = self.backbone.transfer
        stages = list(zip(reversed(self.backbone.channels), self.WIDTHS, strict=True))
        self.narrow = nn.ModuleList(_conv(channels, width) for channels, width in stages)
        self.adapt = nn.ModuleList(_conv(256, 256) for _ in self.WIDTHS[1:])
        self.pool = nn.ModuleList(ChainedPooling(width) for width in self.WIDTHS)
        self.pass_on = nn.ModuleList(_conv(width, 256) for width in self.WIDTHS[:-1])
        self.classifier = nn.Conv2d(256, num_classes, 3, padding=1)

    def forward(self, images_B3HW: Tensor) -> Output:
        top, *others = reversed(self.backbone(images_B3HW))
        x_BDhw = self.pool[0](self.narrow[0](top))
        for number, stage in enumerate(others):
            side = self.adapt[number](self.narrow[number + 1](stage))
            x_BDhw = side + resized(self.pass_on[number](x_BDhw), side)
            x_BDhw = self.pool[number + 1](x_BDhw)
        return Output(self.classifier(x_BDhw), x_BDhw)
