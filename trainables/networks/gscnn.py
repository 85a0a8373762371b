"""GSCNN (Takikawa, Acuna, Jampani and Fidler, ICCV 2019): a gated stream of shapes at full size.

The shape stream predicts boundaries, which enter the pooling pyramid of the segmentation, in
evaluation, too. It takes the place of a boundary head: losses of boundaries act on it.
Shape letters: B images, C bands, D features, H rows, W columns (h, w at a stride).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks, TaskName
from trainables.geometry.canny import canny_edges, eight_bit
from trainables.networks.multi_task.pyramid import Pyramid
from trainables.networks.network import Network, Output, conv_bn, enlarged, normalized
from trainables.networks.wide_resnet import WideResNet38

_FIRST = 64
_WIDTHS = (64, 32, 16, 8)
"""Of the shape stream, before and after each gate."""
_POOLED, _LOW = 256, 48
_RATES_AT_8 = (12, 24, 36)
_SPAN = 4.0
"""Standard deviations that 8 bits span where images come normalised."""


class Maps(NamedTuple):
    """What a trunk makes of an image."""

    first_BDHW: Tensor
    """A 3x3 convolution of the image, 64 channels."""
    low_BDhw: Tensor
    """The map with which the decoder joins the pyramid's."""
    gates: tuple[Tensor, Tensor, Tensor]
    """(B,D,h,w): what opens the gates. The last one is the trunk's result."""


class WideTrunk(nn.Module):
    """WideResNet-38 at stride 8, as published. It decodes at stride 2."""

    multiple, stride = 8, 8
    low = WideResNet38.channels[1]
    gates = tuple(WideResNet38.channels[place] for place in (2, 3, 6))

    def __init__(self, config: ModelConfig, pixels: Pixels) -> None:
        super().__init__()
        self.backbone = WideResNet38(config, pixels)
        self.transfer = self.backbone.transfer
        self.mean, self.std = self.backbone.mean, self.backbone.std

    def forward(self, images_BCHW: Tensor) -> Maps:
        maps = self.backbone(images_BCHW)
        return Maps(maps[0], maps[1], (maps[2], maps[3], maps[6]))


class EncoderTrunk(nn.Module):
    """Any encoder at strides 4 to 32, and a first convolution of its own. It decodes at 4."""

    multiple, stride = 32, 32

    def __init__(self, config: ModelConfig, pixels: Pixels) -> None:
        super().__init__()
        self.pyramid = Pyramid(config, pixels)
        backbone = self.pyramid.backbone
        self.transfer, self.mean, self.std = backbone.transfer, backbone.mean, backbone.std
        self.low, *gates = self.pyramid.channels
        self.gates = tuple(gates)
        self.first = nn.Conv2d(pixels.bands, _FIRST, 3, padding=1, bias=False)

    def forward(self, images_BCHW: Tensor) -> Maps:
        low_BDhw, *gates = self.pyramid(images_BCHW)
        first_BDHW = self.first(normalized(images_BCHW, self.mean, self.std))
        return Maps(first_BDHW, low_BDhw, (gates[0], gates[1], gates[2]))


class Gate(nn.Module):
    """The gated convolution (Eq. 1 and 2): where the trunk sees nothing, shapes are not raised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        both = channels + 1
        self.attention = nn.Sequential(
            nn.BatchNorm2d(both),
            nn.Conv2d(both, both, 1),
            nn.ReLU(),
            nn.Conv2d(both, 1, 1),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )
        self.weight = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, shape_BDHW: Tensor, trunk_B1HW: Tensor) -> Tensor:
        alpha_B1HW = self.attention(torch.cat((shape_BDHW, trunk_B1HW), dim=1))
        gated_BDHW: Tensor = self.weight(shape_BDHW * (alpha_B1HW + 1))
        return gated_BDHW


class ResidualBlock(nn.Module):
    """A ResNet's basic block (He et al., CVPR 2016) that changes neither size nor width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_bn(channels, channels, 3), conv_bn(channels, channels, 3, relu=False)
        )

    def forward(self, x_BDHW: Tensor) -> Tensor:
        return F.relu(x_BDHW + self.layers(x_BDHW))


class ShapeStream(nn.Module):
    """From the trunk's first map to boundary logits, through three gates (Sec. 3.1)."""

    def __init__(self, gates: Sequence[int]) -> None:
        super().__init__()
        narrowed = list(pairwise(_WIDTHS))
        self.blocks = nn.ModuleList(ResidualBlock(width) for width, _ in narrowed)
        self.narrow = nn.ModuleList(nn.Conv2d(*widths, 1) for widths in narrowed)
        self.of_trunk = nn.ModuleList(nn.Conv2d(channels, 1, 1) for channels in gates)
        self.gates = nn.ModuleList(Gate(width) for _, width in narrowed)
        self.last = nn.Conv2d(_WIDTHS[-1], 1, 1, bias=False)

    def forward(self, maps: Maps) -> Tensor:
        """(B,1,H,W) logits."""
        x_BDHW, size = maps.first_BDHW, maps.first_BDHW.shape[-2:]
        layers = zip(self.blocks, self.narrow, self.of_trunk, self.gates, maps.gates, strict=True)
        for block, narrow, of_trunk, gate, trunk_BDhw in layers:
            x_BDHW = gate(narrow(block(x_BDHW)), enlarged(of_trunk(trunk_BDhw), size))
        logits_B1HW: Tensor = self.last(x_BDHW)
        return logits_B1HW


class EdgePyramid(nn.Module):
    """DeepLab's dilated pyramid with a branch of the boundaries (Sec. 3.1, fusion module)."""

    def __init__(self, inputs: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.out_channels = _POOLED * (len(rates) + 3)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_bn(inputs, _POOLED))
        self.edges = conv_bn(1, _POOLED)
        dilated = (conv_bn(inputs, _POOLED, 3, dilation=rate) for rate in rates)
        self.branches = nn.ModuleList([conv_bn(inputs, _POOLED), *dilated])

    def forward(self, x_BDhw: Tensor, edges_B1HW: Tensor) -> Tensor:
        size = x_BDhw.shape[-2:]
        pooled_BDhw = enlarged(self.pool(x_BDhw), size)
        edges_BDhw = self.edges(enlarged(edges_B1HW, size))
        branches = (branch(x_BDhw) for branch in self.branches)
        return torch.cat((pooled_BDhw, edges_BDhw, *branches), dim=1)


class GSCNN(Network):
    """The network on a trunk; its boundary logits have the image's size."""

    out_channels = _POOLED
    has_boundary = True

    def __init__(
        self,
        config: ModelConfig,
        num_classes: int,
        trunk: Callable[[ModelConfig, Pixels], WideTrunk | EncoderTrunk],
        pixels: Pixels = RGB,
        tasks: NetworkTasks | None = None,
    ) -> None:
        super().__init__()
        self.released, self.pixels = config.variant == "released", pixels
        if tasks is not None:
            edge: TaskName = "edge"
            self.tasks = frozenset({edge} & tasks.channels.keys())
        self.trunk = trunk(config, pixels)
        self.transfer, self.multiple = self.trunk.transfer, self.trunk.multiple
        self.shapes = ShapeStream(self.trunk.gates)
        self.with_canny = nn.Conv2d(2, 1, 1, bias=False)
        rates = [rate * 8 // self.trunk.stride for rate in _RATES_AT_8]
        self.pyramid = EdgePyramid(self.trunk.gates[-1], rates)
        self.low = nn.Conv2d(self.trunk.low, _LOW, 1, bias=False)
        self.high = nn.Conv2d(self.pyramid.out_channels, _POOLED, 1, bias=False)
        self.fuse = nn.Sequential(conv_bn(_LOW + _POOLED, _POOLED, 3), conv_bn(_POOLED, _POOLED, 3))
        self.classifier = nn.Conv2d(_POOLED, num_classes, 1, bias=False)

    def forward(self, images_BCHW: Tensor) -> Output:
        maps = self.trunk(images_BCHW)
        logits_B1HW = self.shapes(maps)
        edges_B1HW = logits_B1HW.sigmoid()
        canny_B1HW = canny_edges(self._eight_bit(images_BCHW)).unsqueeze(1)
        both_B2HW = torch.cat((edges_B1HW, canny_B1HW.to(edges_B1HW.dtype)), dim=1)
        pooled_BDhw = self.pyramid(maps.gates[-1], self.with_canny(both_B2HW).sigmoid())
        low_BDhw, high_BDhw = self.low(maps.low_BDhw), self.high(pooled_BDhw)
        high_BDhw = enlarged(high_BDhw, low_BDhw.shape[-2:])
        features_BDhw = self.fuse(torch.cat((low_BDhw, high_BDhw), dim=1))
        boundary_B1HW = edges_B1HW if self.released else logits_B1HW
        return Output(
            self.classifier(features_BDhw),
            features_BDhw,
            tasks=dict.fromkeys(self.tasks, logits_B1HW),
            boundary_Bhw=boundary_B1HW.squeeze(1),
        )

    @torch.no_grad()
    def _eight_bit(self, images_BCHW: Tensor) -> Tensor:
        """The images that Canny sees, uint8: colours as they are, other bands as their mean. Maps
        that follow the image have other units, and are left out.

        Images that come normalised span 8 bits from two standard deviations below their mean to
        two above it. "released" casts what the trunk is given, so that -1.5 becomes 255.
        """
        bands = self.pixels.of_image.bands
        if self.released:
            given_BCHW = normalized(images_BCHW.float(), self.trunk.mean, self.trunk.std)
            return (given_BCHW[:, :bands].to(torch.int32) & 255).to(torch.uint8)
        images_BCHW = images_BCHW[:, :bands].float()
        if self.pixels.mean:
            images_BCHW = images_BCHW / _SPAN + 0.5
        if bands != RGB.bands:
            images_BCHW = images_BCHW.mean(dim=1, keepdim=True)
        return eight_bit(images_BCHW)
