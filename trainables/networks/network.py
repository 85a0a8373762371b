"""What all networks share: the timm backbone, convolution blocks and the type of their output.

timm and torchvision take three seconds to import, and a study's driver and trial actors need
neither; so they are imported where a network is built.
Dropout is ``dropout.py``'s, before the classifier. Stochastic depth is off everywhere: timm
draws it for a rank's images in turn, so that the number of ranks would decide what it drops.
Shape letters: B images, K classes, D features, H rows, W columns (h, w at a stride).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import TaskName
from trainables.networks.weights import RANDOM, load_backbone, unreachable

NO_TASKS: Mapping[TaskName, Tensor] = MappingProxyType({})


class Output(NamedTuple):
    """What a network returns, at its own stride."""

    logits_BKhw: Tensor
    """Of the segmentation; zeros where it is none of the network's tasks."""
    features_BDhw: Tensor | None
    """Input of the classifier and of a boundary head; None from a network that has no head."""
    auxiliary: tuple[Tensor, ...] = ()
    """Logits (B,K,h,w) of the auxiliary heads, each at its own stride; none in evaluation."""
    tasks: Mapping[TaskName, Tensor] = NO_TASKS
    """(B,C,h,w) of each other task: logits, metres of the depth, vectors of any length."""
    initial: tuple[Mapping[TaskName, Tensor], ...] = ()
    """Initial predictions, which losses see, too (deep supervision), by scale; with the logits of
    ``semseg``, if it is a task; none in evaluation."""
    boundary_Bhw: Tensor | None = None
    """Boundary logits, of a network with ``has_boundary`` alone."""


class Network(nn.Module):
    """Base of all networks: images (B,3,H,W) in [0,1] to an ``Output``."""

    out_channels: int
    """D, the channels of the features."""
    multiple: int = 32
    """What the sides of its images are multiples of; a multiple of its strides."""
    follows: bool = False
    """Whether it follows an object through films and is given its mask in the first frame; images
    are then padded around by zeros, as STM's are."""
    auxiliary_weights: tuple[float, ...] = ()
    """Published weight of each auxiliary head's cross-entropy."""
    unused_parameters: bool = False
    """Whether the logits may not depend on some parameters, which then have no gradient."""
    classifiers: tuple[str, ...] = ("classifier",)
    """Paths of what turns features into class logits; none where features depend on the logits."""
    tasks: frozenset[TaskName] = frozenset()
    """Those that it has own heads for; others get one each on its features."""
    splits_bands: bool = False
    """Whether bands beyond the image's have a branch of their own, so that no first layer is
    adapted to them."""
    has_boundary: bool = False
    """Whether it predicts boundaries itself, so that it needs no boundary head."""
    transfer: str = RANDOM
    """Where the backbone's weights came from, as a sentence for the terminal."""
    published: Mapping[str, str] = MappingProxyType({})
    """By module of public weights of the whole network, the module here."""

    def __init__(self) -> None:
        super().__init__()
        self.auxiliary: nn.ModuleList | None = None
        """Heads that only training uses."""


class Backbone(nn.Module):
    """A timm model that returns features at several strides, for images in [0,1]."""

    def __init__(
        self, config: ModelConfig, name: str, pixels: Pixels = RGB, **options: object
    ) -> None:
        super().__init__()
        import timm  # slow: see the head of this file

        pretrained = config.weights == "imagenet"
        if pixels.bands != RGB.bands:
            options["in_chans"] = pixels.bands  # which adapts pretrained weights, too
        try:
            self.body = timm.create_model(
                name, pretrained=pretrained, features_only=True, **options
            )
        except (OSError, RuntimeError) as error:
            raise unreachable(name, error) from None
        self.channels: list[int] = self.body.feature_info.channels()
        settings = self.body.default_cfg
        self.mean, self.std = mean_and_std(settings, pixels)
        self.transfer = transfer(config, self.body, settings)

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        return list(self.body(self.normalised(images_B3HW)))

    def normalised(self, images_B3HW: Tensor) -> Tensor:
        """What the body receives."""
        return normalized(images_B3HW, self.mean, self.std)


def mean_and_std(
    settings: Mapping[str, tuple[float, ...]], pixels: Pixels
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What a backbone subtracts and divides by: nothing where images come normalised."""
    if pixels.mean:
        return (0.0,) * pixels.bands, (1.0,) * pixels.bands
    further = pixels.bands - pixels.of_image.bands  # maps, which come normalised
    return (*settings["mean"], *(0.0,) * further), (*settings["std"], *(1.0,) * further)


_FREE = ("apache-2.0", "mit", "bsd-3-clause")
_LICENCES = {"dinov3-license": "DINOv3 License", "cc-by-nc-4.0": "CC BY-NC 4.0: no commercial use"}
"""By timm's short name."""


def transfer(
    config: ModelConfig, body: nn.Module, settings: Mapping[str, object] = MappingProxyType({})
) -> str:
    """Load the backbone's weights from a file if the config names one; say where they came from.

    Args:
        settings: of the encoder, as timm has them; a ``license`` that limits the use is named.
    """
    if config.weights == "none":
        return RANDOM
    licence = str(settings.get("license") or "")
    named = f"; licence of the published weights: {_LICENCES.get(licence, licence)}"
    under = "" if licence in ("", *_FREE) else named
    if config.weights == "imagenet":
        return f"ImageNet weights as timm has them{under}"
    return load_backbone(body, Path(config.weights).expanduser()) + under


def normalized(images_B3HW: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Images in [0,1] less the backbone's mean, divided by its standard deviation, per channel."""
    mean_C11 = images_B3HW.new_tensor(mean).view(-1, 1, 1)
    return (images_B3HW - mean_C11) / images_B3HW.new_tensor(std).view(-1, 1, 1)


def conv_bn(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    relu: bool = True,
) -> nn.Sequential:
    """Convolution padded to keep the size (at stride 1), batch norm, ReLU."""
    padding = dilation * (kernel // 2)
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def separable(inputs: int, outputs: int, dilation: int = 1) -> nn.Sequential:
    """A 3x3 convolution of each channel, then a 1x1 convolution across channels."""
    depthwise = conv_bn(inputs, inputs, 3, dilation=dilation, groups=inputs)
    return nn.Sequential(depthwise, conv_bn(inputs, outputs))


def fcn_head(inputs: int, hidden: int, num_classes: int) -> nn.Sequential:
    """The usual auxiliary head: 3x3 convolution, batch norm, ReLU, classifier."""
    return nn.Sequential(conv_bn(inputs, hidden, 3), nn.Conv2d(hidden, num_classes, 1))


def resized(maps_BDhw: Tensor, like_BDhw: Tensor) -> Tensor:
    """Maps resized bilinearly to another map's size."""
    if maps_BDhw.shape[-2:] == like_BDhw.shape[-2:]:
        return maps_BDhw
    return F.interpolate(maps_BDhw, like_BDhw.shape[-2:], mode="bilinear", align_corners=False)


def enlarged(maps_BDhw: Tensor, size: Sequence[int]) -> Tensor:
    """Maps resized bilinearly with their corners' centres aligned, as older public code does."""
    return F.interpolate(maps_BDhw, tuple(size), mode="bilinear", align_corners=True)


class PyramidPooling(nn.Module):
    """PSPNet's module: the input, and the input pooled to 1, 2, 3 and 6 bins a side."""

    BINS = (1, 2, 3, 6)

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.out_channels = inputs + len(self.BINS) * hidden
        self.pools = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), conv_bn(inputs, hidden)) for bins in self.BINS
        )

    def forward(self, x_BDhw: Tensor) -> list[Tensor]:
        return [x_BDhw, *(resized(pool(x_BDhw), x_BDhw) for pool in self.pools)]
