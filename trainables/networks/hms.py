"""Hierarchical multi-scale attention (HMS; Tao, Sapra and Catanzaro, arXiv 2005.10821).

One network predicts an image at several sizes; an attention head on its features says at each
pixel how much a size counts against the next larger one. Logits are mixed, not probabilities.
Shape letters: B images, K classes, D features, H rows, W columns (h, w at a scale's own size).
"""

from collections.abc import Mapping
from dataclasses import replace
from math import floor
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.decoders import Smp
from trainables.networks.hrnet import HRNetOCR
from trainables.networks.network import Network, Output, conv_bn, resized
from trainables.networks.padding import Padding

_EACH_SCALE = 0.05
"""Weight of the loss of each scale's own logits, in the released code."""


def combined(maps_BKhw: Mapping[float, Tensor], attention_B1hw: Mapping[float, Tensor]) -> Tensor:
    """The maps of all scales mixed into one of the size of scale 1, from the largest scale down.

    A scale s of 1 or more: a P + (1 - a) D(rest), D resizes to its size. Below 1, with U to the
    rest's size: U(a P) + (1 - U(a)) rest. The largest scale's attention plays no part.

    Args:
        maps_BKhw: by scale, such as logits; 1 is one of them.
        attention_B1hw: by scale, in [0, 1], of the map's size.

    Returns:
        (B,K,H,W).
    """
    largest, *others = sorted(maps_BKhw, reverse=True)
    mixed_BKhw = maps_BKhw[largest]
    for scale in others:
        share_B1hw = attention_B1hw[scale]
        own_BKhw = share_B1hw * maps_BKhw[scale]
        if scale >= 1:
            mixed_BKhw = own_BKhw + (1 - share_B1hw) * resized(mixed_BKhw, own_BKhw)
        else:
            rest_BKhw = (1 - resized(share_B1hw, mixed_BKhw)) * mixed_BKhw
            mixed_BKhw = resized(own_BKhw, mixed_BKhw) + rest_BKhw
    return mixed_BKhw


class AtScale(NamedTuple):
    """What the network says of an image at one scale; maps have that image's size."""

    output: Output
    attention_B1hw: Tensor


class ScaleAttention(nn.Sequential):
    """Features (B,D,h,w) to a scale's weight in [0, 1], (B,1,h,w)."""

    def __init__(self, features: int) -> None:
        hidden = features // 2
        super().__init__(
            conv_bn(features, hidden, 3),
            conv_bn(hidden, hidden, 3),
            nn.Conv2d(hidden, 1, 1, bias=False),
            nn.Sigmoid(),
        )


class HMS(Network):
    """A network, which a subclass names, at the scales of the config. Logits at full size.

    Its features are those of scale 1, which a boundary head and other tasks' heads read.
    """

    auxiliary_weights: tuple[float, ...] = (_EACH_SCALE, _EACH_SCALE)  # one for each scale
    classifiers = ()  # the attention weighs class logits

    def add_attention(self, config: ModelConfig, of_network: tuple[float, ...] = ()) -> None:
        """To be called where the network itself is built, with its own auxiliary weights."""
        self.attention = ScaleAttention(self.out_channels)
        self.training_scales = config.training_attention
        self.test_scales = config.test_attention
        self.with_each_scale = config.auxiliary
        self.auxiliary_weights = (*of_network, *(_EACH_SCALE for _ in self.training_scales))

    def forward(self, images_B3HW: Tensor) -> Output:
        scales = self.training_scales if self.training else self.test_scales
        found = {scale: self._at(scale, images_B3HW) for scale in scales}
        attention = {scale: at.attention_B1hw for scale, at in found.items()}
        logits = {scale: at.output.logits_BKhw for scale, at in found.items()}
        mixed_BKHW, features_BDhw = combined(logits, attention), found[1.0].output.features_BDhw
        if not (self.training and self.with_each_scale):
            return Output(mixed_BKHW, features_BDhw)
        heads = zip(*(at.output.auxiliary for at in found.values()), strict=True)
        of_heads = [combined(dict(zip(scales, maps, strict=True)), attention) for maps in heads]
        return Output(mixed_BKHW, features_BDhw, (*of_heads, *logits.values()))

    def _at(self, scale: float, images_B3HW: Tensor) -> AtScale:
        """The network's own output for the image at this scale, padded as all images are."""
        rows, columns = (floor(scale * side) for side in images_B3HW.shape[-2:])
        view_B3hw = images_B3HW
        if scale != 1:
            size = rows, columns
            view_B3hw = F.interpolate(images_B3HW, size, mode="bilinear", align_corners=False)
        padding = Padding.of(rows, columns, self.multiple)
        padded_B3hw = padding.around(view_B3hw)
        output: Output = super().forward(padded_B3hw)
        assert output.features_BDhw is not None, "the networks below have features"

        def whole(maps_BKhw: Tensor) -> Tensor:
            return padding.cut(resized(maps_BKhw, padded_B3hw))

        maps = output._replace(
            logits_BKhw=whole(output.logits_BKhw),
            auxiliary=tuple(whole(logits) for logits in output.auxiliary),
        )
        return AtScale(maps, whole(self.attention(output.features_BDhw)))


class HMSHRNetOCR(HMS, HRNetOCR):
    """The published one: attention on the OCR features of HRNet; its coarse logits are mixed with
    the same attention."""

    def __init__(
        self, config: ModelConfig, num_classes: int, name: str, pixels: Pixels = RGB
    ) -> None:
        super().__init__(config, num_classes, name, pixels)
        self.add_attention(config, HRNetOCR.auxiliary_weights)


class HMSOnEncoder(HMS, Smp):
    """The small one: an FPN on any encoder, attention on its features."""

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__(replace(config, network="fpn"), num_classes, pixels)
        self.add_attention(config)
