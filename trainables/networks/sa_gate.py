"""SA-Gates: two encoders, of images and of maps, that a gate joins after each stage.

Chen et al., "Bi-directional Cross-Modality Feature Propagation with Separation-and-Aggregation
Gate", ECCV 2020. Shape letters: B images, C and D channels, K classes, h rows, w columns.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig, refused, require
from trainables.config.pixels import RGB, Pixels
from trainables.networks.encoders import without_chance
from trainables.networks.multi_task.pyramid import require_timm
from trainables.networks.network import Backbone, Network, Output, conv_bn, fcn_head, resized
from trainables.networks.staged import stages_of

_REDUCTION = 16
_STAGES = 4
_RESNET = "resnet101s"
"""Its stem has three 3x3 convolutions, of 64, 64 and 128 channels."""
_MULTI_GRID = (2, 4, 8)
"""Dilation of the blocks of the last stage."""


class Separation(nn.Module):
    """Adds to a branch what its channels gain from the other: equations 1 to 3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // _REDUCTION, 1)
        self.weigh = nn.Sequential(
            nn.Linear(2 * channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid()
        )

    def forward(self, own_BChw: Tensor, other_BChw: Tensor) -> Tensor:
        """(B,C,h,w)."""
        means_B2C = torch.cat((other_BChw, own_BChw), dim=1).mean(dim=(2, 3))
        weights_BC11 = self.weigh(means_B2C)[..., None, None]
        return own_BChw + weights_BC11 * other_BChw


class SAGate(nn.Module):
    """Separation of both branches, then their aggregation by two weights a pixel that sum to 1.

    The weights follow from the recalibrated maps and weigh the maps as they came, as in the public
    code (and, from memory, in the paper).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.separate_image, self.separate_map = Separation(channels), Separation(channels)
        self.weigh_image = nn.Conv2d(2 * channels, 1, 1)
        self.weigh_map = nn.Conv2d(2 * channels, 1, 1)

    def forward(self, image_BChw: Tensor, map_BChw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the next stages of both branches receive, and the merged map; (B,C,h,w) each."""
        both_BChw = torch.cat(
            (self.separate_image(image_BChw, map_BChw), self.separate_map(map_BChw, image_BChw)),
            dim=1,
        )
        logits_B2hw = torch.cat((self.weigh_image(both_BChw), self.weigh_map(both_BChw)), dim=1)
        of_image_B1hw, of_map_B1hw = logits_B2hw.softmax(dim=1).split(1, dim=1)
        merged_BChw = image_BChw * of_image_B1hw + map_BChw * of_map_B1hw
        image_BChw, map_BChw = (F.relu((x + merged_BChw) / 2) for x in (image_BChw, map_BChw))
        return image_BChw, map_BChw, merged_BChw


class LeakyASPP(nn.Module):
    """Dilated pyramid pooling with one normalisation over all branches, and LeakyReLU.

    Bulò et al., "In-Place Activated BatchNorm", CVPR 2018, as the public code of SA-Gates has it.
    """

    RATES = (6, 12, 18)

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Conv2d(inputs, hidden, 1, bias=False),
                *(
                    nn.Conv2d(inputs, hidden, 3, padding=rate, dilation=rate, bias=False)
                    for rate in self.RATES
                ),
            ]
        )
        self.norm = nn.BatchNorm2d(4 * hidden)
        self.reduce = nn.Conv2d(4 * hidden, hidden, 1, bias=False)
        self.pool = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(),
            nn.Conv2d(hidden, hidden, 1, bias=False),
        )
        self.last = nn.BatchNorm2d(hidden)

    def forward(self, x_BChw: Tensor) -> Tensor:
        """(B,D,h,w)."""
        each_BDhw = self.norm(torch.cat([branch(x_BChw) for branch in self.branches], dim=1))
        pooled_BD11 = self.pool(x_BChw.mean(dim=(2, 3), keepdim=True))
        return F.leaky_relu(self.last(self.reduce(F.leaky_relu(each_BDhw)) + pooled_BD11))


class SAGateNetwork(Network):
    """SA-Gates on two encoders of ``model/encoder``, with a small DeepLabV3+ decoder."""

    auxiliary_weights = (0.2,)
    splits_bands = True
    HIDDEN, LOW = 64, 24

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        self.image_bands, branches = _branches(config.network, pixels)
        self.of_image, self.of_maps = (self.backbone(config, branch) for branch in branches)
        self.transfer = f"{self.of_image.transfer} (both encoders)"
        channels = self.of_image.channels[-_STAGES:]
        self.gates = nn.ModuleList(map(SAGate, channels))
        self.out_channels = self.HIDDEN
        self.aspp = LeakyASPP(channels[-1], self.HIDDEN)
        self.low = conv_bn(channels[0], self.LOW)
        self.fuse = nn.Sequential(
            conv_bn(self.HIDDEN + self.LOW, self.HIDDEN, 3), conv_bn(self.HIDDEN, self.HIDDEN, 3)
        )
        self.classifier = nn.Conv2d(self.HIDDEN, num_classes, 1)
        if config.auxiliary:
            head = fcn_head(channels[-1], channels[-1] // 4, num_classes)
            self.auxiliary = nn.ModuleList([head])

    def backbone(self, config: ModelConfig, pixels: Pixels) -> Backbone:
        """One of the two encoders; its last stage is dilated, not strided."""
        require_timm(config)
        try:
            found = Backbone(config, config.encoder, pixels, output_stride=16)
        except (AttributeError, AssertionError, TypeError):  # timm's, of one without such stages
            raise _unfit(config) from None
        if len(found.channels) < _STAGES or not stages_of(found.body):
            raise _unfit(config)
        without_chance(found)
        return found

    def forward(self, images_BCHW: Tensor) -> Output:
        merged = self._merged(images_BCHW)
        last_BDhw, low_BDhw = self.aspp(merged[-1]), self.low(merged[0])
        features_BDhw = self.fuse(torch.cat((resized(last_BDhw, low_BDhw), low_BDhw), dim=1))
        logits_BKhw = self.classifier(features_BDhw)
        if self.auxiliary is None or not self.training:
            return Output(logits_BKhw, features_BDhw)
        return Output(logits_BKhw, features_BDhw, (self.auxiliary[0](merged[-1]),))

    def _merged(self, images_BCHW: Tensor) -> list[Tensor]:
        """What the gate after each stage merges, the finest first."""
        image, maps = images_BCHW[:, : self.image_bands], images_BCHW[:, self.image_bands :]
        maps = maps.expand(-1, RGB.bands, -1, -1) if maps.shape[1] == 1 else maps
        x, y = self.of_image.normalised(image), self.of_maps.normalised(maps)
        first, second = stages_of(self.of_image.body), stages_of(self.of_maps.body)
        gates: Iterable[nn.Module | None] = (*(None,) * (len(first) - _STAGES), *self.gates)
        merged = []
        for of_image, of_map, gate in zip(first, second, gates, strict=True):
            x, y = of_image(x), of_map(y)
            if gate is not None:
                x, y, merged_BDhw = gate(x, y)
                merged.append(merged_BDhw)
        return merged


class SAGateResNet(SAGateNetwork):
    """As published: two ResNet-101, and DeepLabV3+ of 256 channels.

    ``model/variant=released``: the first block's projection of each stage is one layer for both
    branches, with one normalisation that sees the images and then the maps, as in the public code;
    else each branch has its own.
    """

    HIDDEN, LOW = 256, 48

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__(config, num_classes, pixels)
        shared = config.variant == "released"
        for number in range(1, _STAGES + 1) if shared else ():
            path = f"body.layer{number}.0.downsample"
            self.of_maps.set_submodule(path, self.of_image.get_submodule(path))

    def backbone(self, config: ModelConfig, pixels: Pixels) -> Backbone:
        found = Backbone(config, _RESNET, pixels, output_stride=16)
        for block, rate in zip(found.body["layer4"], _MULTI_GRID, strict=True):
            block.conv2.dilation = block.conv2.padding = (rate, rate)
        return found


def _branches(name: str, pixels: Pixels) -> tuple[int, tuple[Pixels, Pixels]]:
    """How many bands are the image's, and what both encoders receive.

    Without ``data/inputs`` the bands of an image from the fourth on are the map, such as HHA.
    """
    image = pixels.of_image.bands if pixels.inputs else RGB.bands
    needs = f"depth, normals or both with {name}, or images of more than 3 bands"
    require(pixels.bands > image, "data/inputs", needs, "")
    further = max(pixels.bands - image, RGB.bands if pixels.bands - image == 1 else 0)
    of_image = Pixels(image, pixels.bits, pixels.mean[:image], pixels.std[:image])
    return image, (of_image, Pixels(further, 32, (0.0,) * further, (1.0,) * further))


def _unfit(config: ModelConfig) -> ValueError:
    such = "such as resnet18, tf_efficientnet_lite0 or convnext_tiny"
    needs = f"one of timm whose four stages run one after the other, {such}, with {config.network}"
    return refused("model/encoder", needs, config.encoder)
