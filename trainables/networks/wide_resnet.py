"""WideResNet-38 (Wu, Shen and van den Hengel, "Wider or Deeper", 2016), dilated to stride 8.

It is the paper's model A2, whose last stages keep the size and are dilated by 2, 4 and 4 instead.
Dropout of its last two stages is off: see ``network.py``. Modules have the names of the public
ImageNet weights.
Shape letters: B images, D features, h rows, w columns at a stride.
"""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import mean_and_std, normalized, transfer

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_BLOCKS = (3, 3, 6, 3, 1, 1)
_WIDTHS = ((128, 128), (256, 256), (512, 512), (512, 1024), (512, 1024, 2048), (1024, 2048, 4096))
_DILATIONS = (1, 1, 1, 2, 4, 4)
_POOLED = 2
"""So many stages begin with pooling, the next one with a stride."""


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> nn.Conv2d:
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)


class Residual(nn.Module):
    """Batch norm and ReLU come before each convolution: two of 3x3, or 1x1, 3x3 and 1x1."""

    def __init__(self, inputs: int, widths: tuple[int, ...], stride: int, dilation: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        kernels = (3, 3) if len(widths) == len((3, 3)) else (1, 3, 1)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        before = inputs
        for number, (kernel, width) in enumerate(zip(kernels, widths, strict=True), start=1):
            if number > 1:
                layers[f"bn{number}"] = nn.BatchNorm2d(before)
                layers[f"relu{number}"] = nn.ReLU()
            rate, step = (dilation if kernel > 1 else 1), (stride if number == 1 else 1)
            layers[f"conv{number}"] = _convolution(before, width, kernel, step, rate)
            before = width
        self.convs = nn.Sequential(layers)
        changes = stride > 1 or inputs != before
        self.proj_conv = _convolution(inputs, before, 1, stride, 1) if changes else None

    def forward(self, x_BDhw: Tensor) -> Tensor:
        begin_BDhw = F.relu(self.bn1(x_BDhw))
        shortcut_BDhw = x_BDhw if self.proj_conv is None else self.proj_conv(begin_BDhw)
        added: Tensor = self.convs(begin_BDhw) + shortcut_BDhw
        return added


def _stage(inputs: int, number: int) -> nn.Sequential:
    widths, dilation = _WIDTHS[number], _DILATIONS[number]
    blocks: OrderedDict[str, nn.Module] = OrderedDict()
    for block in range(_BLOCKS[number]):
        stride = 2 if block == 0 and number == _POOLED else 1
        blocks[f"block{block + 1}"] = Residual(inputs, widths, stride, dilation)
        inputs = widths[-1]
    return nn.Sequential(blocks)


class _Body(nn.Module):
    """The convolutions and stages, by their public names ``mod1`` to ``mod7``."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.mod1 = nn.Sequential(OrderedDict(conv1=_convolution(bands, 64, 3, 1, 1)))
        inputs = 64
        for number, widths in enumerate(_WIDTHS):
            self.add_module(f"mod{number + 2}", _stage(inputs, number))
            inputs = widths[-1]

    def forward(self, x_BDhw: Tensor) -> list[Tensor]:
        maps = [self.mod1(x_BDhw)]
        for number in range(len(_WIDTHS)):
            x_BDhw = F.max_pool2d(maps[-1], 3, 2, 1) if number < _POOLED else maps[-1]
            maps.append(self.get_submodule(f"mod{number + 2}")(x_BDhw))
        return maps


class WideResNet38(nn.Module):
    """The trunk: images in [0,1], or as ``Pixels`` says, to the maps of its seven stages."""

    channels = (64, *(widths[-1] for widths in _WIDTHS))

    def __init__(self, config: ModelConfig, pixels: Pixels = RGB) -> None:
        super().__init__()
        if config.weights == "imagenet":
            allowed = f"none or a file with {config.network}, whose weights timm does not have"
            raise refused("model/weights", allowed, config.weights)
        self.body = _Body(pixels.bands)
        self.mean, self.std = mean_and_std(_IMAGENET, pixels)
        self.transfer = transfer(config, self.body)

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.body(normalized(images_B3HW, self.mean, self.std))
        return maps


def checkpoint_filter_fn(state: dict[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    """The names of public files in which a batch norm and its ReLU are one ``Sequential``."""
    return {name.replace(".0.", "."): value for name, value in state.items()}
