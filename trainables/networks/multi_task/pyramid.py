"""An encoder's maps at strides 4, 8, 16 and 32, and the head that fuses four such maps.

Shape letters: B images, C channels of a task's map, D features, h rows, w columns at a stride.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, refused, require
from trainables.config.pixels import Pixels
from trainables.networks.encoders import smp_name, without_chance
from trainables.networks.network import Backbone, resized

_STRIDES = (4, 8, 16, 32)


class Pyramid(nn.Module):
    """Of an HRNet its four streams, of other encoders of timm the last stage of each stride."""

    def __init__(self, config: ModelConfig, pixels: Pixels) -> None:
        super().__init__()
        require_timm(config)
        streams = config.encoder.startswith("hrnet")
        options = {"feature_location": "", "out_indices": (1, 2, 3, 4)} if streams else {}
        try:
            self.backbone = Backbone(config, config.encoder, pixels, **options)
            strides = self.backbone.body.feature_info.reduction()
        except (AttributeError, AssertionError):  # timm's, of a model without stages
            raise _unfit(config) from None
        if tuple(strides[-4:]) != _STRIDES:
            raise _unfit(config)
        without_chance(self)
        self.channels = self.backbone.channels[-4:]
        self.channels_last = getattr(self.backbone.body, "output_fmt", "NCHW") == "NHWC"

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        """The finest map first."""
        stages = self.backbone(images_B3HW)[-4:]
        return [stage.permute(0, 3, 1, 2) for stage in stages] if self.channels_last else stages


def require_timm(config: ModelConfig) -> None:
    """Raise a ValueError in one line if ``model/encoder`` is none of timm."""
    ours = smp_name(config.encoder).startswith("tu-")
    require(ours, "model/encoder", f"one of timm with {config.network}", config.encoder)


def _unfit(config: ModelConfig) -> ValueError:
    such = "such as hrnet_w18_small_v2, hrnet_w48 or resnet18"
    needs = f"one with features at strides 4, 8, 16 and 32, {such}, with {config.network}"
    return refused("model/encoder", needs, config.encoder)


def stacked(maps: Sequence[Tensor]) -> Tensor:
    """The maps, enlarged to the first one's size, as one of all their channels."""
    return torch.cat([resized(map_BDhw, maps[0]) for map_BDhw in maps], dim=1)


def fusion(features: int) -> nn.Sequential:
    """1x1 convolution, batch norm and ReLU on stacked maps."""
    return nn.Sequential(nn.Conv2d(features, features, 1), nn.BatchNorm2d(features), nn.ReLU())


def fused_head(features: int, outputs: int) -> nn.Sequential:
    """HRNet's head (TPAMI 2021) on stacked maps: their fusion, and a 1x1 convolution to the task's
    channels."""
    return nn.Sequential(*fusion(features), nn.Conv2d(features, outputs, 1))
