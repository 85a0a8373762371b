"""STM's encoders (Oh et al., ICCV 2019, section 3.1): a backbone to stride 16, keys and values.

Shape letters: B frames, C channels of a key, V of a value, D features, h rows, w columns at a
stride.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import Pixels
from trainables.networks.encoders import any_size, sketch, without_chance
from trainables.networks.network import Backbone, normalized

STRIDES = (4, 8, 16)
"""As published: the memory has the last one's places."""


class FrameEncoder(nn.Module):
    """A timm model's features at strides 4, 8 and 16."""

    def __init__(
        self,
        config: ModelConfig,
        name: str,
        pixels: Pixels,
        one_scale: bool = False,
        strides: Sequence[int] = STRIDES,
    ) -> None:
        """``one_scale``: bring each frame's features to mean 0 and variance 1: encoders differ in
        how large theirs are, and no norm follows."""
        super().__init__()
        options = {"out_indices": _places(config, name, strides), **any_size(sketch(name))}
        self.backbone = Backbone(config, name, pixels, **options)
        without_chance(self.backbone)
        _cut(self.backbone.body)
        self.channels = self.backbone.channels
        self._one_scale = one_scale
        self._channels_last = getattr(self.backbone.body, "output_fmt", "NCHW") == "NHWC"

    def forward(self, frames_B3HW: Tensor) -> list[Tensor]:
        """The finest map first."""
        return self._stages(normalized(frames_B3HW, self.backbone.mean, self.backbone.std))

    def _stages(self, x_BDHW: Tensor) -> list[Tensor]:
        stages = self.backbone.body(x_BDHW)
        if self._channels_last:
            stages = [x_BhwD.permute(0, 3, 1, 2) for x_BhwD in stages]
        return [F.group_norm(x_BDhw, 1) if self._one_scale else x_BDhw for x_BDhw in stages]


class MaskedEncoder(FrameEncoder):
    """The same of a frame and its masks, which the first layer sees beside the image."""

    def __init__(
        self,
        config: ModelConfig,
        name: str,
        pixels: Pixels,
        one_scale: bool = False,
        strides: Sequence[int] = STRIDES,
    ) -> None:
        super().__init__(config, name, pixels, one_scale, strides)
        body = self.backbone.body
        layers = body.named_modules()
        path, first = next(item for item in layers if isinstance(item[1], nn.Conv2d))
        parent, _, own = path.rpartition(".")
        setattr(body.get_submodule(parent), own, MaskedLayer(first))

    def forward(self, frames_B3HW: Tensor, masks_B2HW: Tensor | None = None) -> list[Tensor]:
        """``masks_B2HW``: probabilities of the object, and of all other objects together."""
        assert masks_B2HW is not None, "a frame is remembered with its mask"
        x_B3HW = normalized(frames_B3HW, self.backbone.mean, self.backbone.std)
        return self._stages(torch.cat((x_B3HW, masks_B2HW), dim=1))


class MaskedLayer(nn.Module):
    """A backbone's first convolution, with one more for each of two masks."""

    def __init__(self, image: nn.Conv2d) -> None:
        super().__init__()
        self.image = image
        self.object, self.others = (_of_one_band(image) for _ in range(2))

    def forward(self, x_BDHW: Tensor) -> Tensor:
        """The image's bands come first, then the object's mask and that of the others."""
        bands = self.image.in_channels
        image, own, others = x_BDHW.split((bands, 1, 1), dim=1)
        seen: Tensor = self.image(image) + self.object(own) + self.others(others)
        return seen


def _of_one_band(layer: nn.Conv2d) -> nn.Conv2d:
    """Of the class of timm's layer, which may pad in its own way; a mask is seen as strongly as all
    bands of the image together, whose weights may be pretrained."""
    sides = layer.kernel_size, layer.stride, layer.padding, layer.dilation
    found = type(layer)(1, layer.out_channels, *sides, bias=False)  # type: ignore[arg-type]
    if not layer.weight.is_meta:
        size = layer.weight.square().mean().item() * layer.in_channels
        nn.init.normal_(found.weight, std=size**0.5)
    return found


class KeyValue(nn.Module):
    """Two 3x3 convolutions: what a place is found by, and what is found there."""

    def __init__(self, inputs: int, key: int, value: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(inputs, key, 3, padding=1)
        self.value = nn.Conv2d(inputs, value, 3, padding=1)

    def forward(self, features_BDhw: Tensor) -> tuple[Tensor, Tensor]:
        """(B,C,h,w) and (B,V,h,w)."""
        return self.key(features_BDhw), self.value(features_BDhw)


def _cut(body: nn.Module) -> None:
    """Drop the stages behind the last feature, which some of timm's models keep."""
    last = body.feature_info.get_dicts()[-1]["module"]  # type: ignore[union-attr, operator]
    stages, _, number = last.rpartition(".")
    if stages == "blocks":
        body.blocks = body.blocks[: int(number) + 1]  # type: ignore[index]


def _places(config: ModelConfig, name: str, wanted: Sequence[int]) -> tuple[int, ...]:
    """Of the stages with these strides.

    Raises:
        ValueError: timm has no such encoder, or it has no such stages.
    """
    import timm  # slow: see the head of network.py

    try:
        with torch.device("meta"):
            plan = timm.create_model(name, features_only=True)
        strides = list(plan.feature_info.reduction())
        return tuple(strides.index(stride) for stride in wanted)
    except (AttributeError, AssertionError, ValueError, RuntimeError, NotImplementedError):
        named = f"{', '.join(map(str, wanted[:-1]))} and {wanted[-1]}"
        needs = f"one of timm with features at strides {named}, with {config.network}"
        raise refused("model/encoder", needs, config.encoder) from None
