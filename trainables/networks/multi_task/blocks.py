"""What PAD-Net and MTI-Net are made of: residual blocks, attention, distillation among tasks.

Shape letters: B images, C channels, N tasks, h rows, w columns at a stride.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainables.config.tasks import TaskName, Variant
from trainables.networks.network import conv_bn

Features = Mapping[TaskName, Tensor]
"""By task, (B,C,h,w)."""


def basic_blocks(inputs: int, outputs: int) -> nn.Sequential:
    """Two residual blocks of two 3x3 convolutions (He et al., CVPR 2016)."""
    return nn.Sequential(basic_block(inputs, outputs), basic_block(outputs, outputs))


def basic_block(inputs: int, outputs: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock  # slow: see the head of network.py

    return BasicBlock(inputs, outputs, downsample=_shortcut(inputs, outputs))


def bottlenecks(inputs: int, outputs: int) -> nn.Sequential:
    """Two residual blocks of a 3x3 convolution between two of 1x1, of a quarter of the width."""
    from torchvision.models.resnet import Bottleneck

    width = outputs // Bottleneck.expansion
    first = Bottleneck(inputs, width, downsample=_shortcut(inputs, outputs))
    return nn.Sequential(first, Bottleneck(outputs, width))


def _shortcut(inputs: int, outputs: int) -> nn.Module | None:
    return None if inputs == outputs else conv_bn(inputs, outputs, relu=False)


class SqueezeExcite(nn.Module):
    """Hu et al., CVPR 2018: each channel times a number in (0,1) that all channels' means give."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x_BChw: Tensor) -> Tensor:
        mean_BC11 = x_BChw.mean(dim=(2, 3), keepdim=True)
        factor_BC11: Tensor = self.excite(self.squeeze(mean_BC11).relu()).sigmoid()
        return x_BChw * factor_BC11


class SpatialAttention(nn.Module):
    """A convolution times a gate of another one, pixel by pixel and channel by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.value, self.gate = (
            nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2)
        )

    def forward(self, x_BChw: Tensor) -> Tensor:
        gated_BChw: Tensor = self.value(x_BChw) * self.gate(x_BChw).sigmoid()
        return gated_BChw


class Distillation(nn.Module):
    """PAD-Net's module C (Xu et al., CVPR 2018): a task's features, and what the others send."""

    def __init__(
        self, tasks: Iterable[TaskName], sources: Iterable[TaskName], channels: int
    ) -> None:
        """``tasks`` receive, ``sources`` send; a task that is both sends itself nothing."""
        super().__init__()
        self.sources = list(sources)
        self.messages = nn.ModuleDict(
            {
                task: nn.ModuleDict(
                    {each: SpatialAttention(channels) for each in self.sources if each != task}
                )
                for task in tasks
            }
        )

    def forward(self, features: Features) -> dict[TaskName, Tensor]:
        """Of the tasks that receive, from those of all sources."""
        received: dict[TaskName, Tensor] = {}
        for task, own_BChw in features.items():
            if task in self.messages:
                received[task] = own_BChw
                for source in self.sources:
                    if source != task:
                        send = self.messages[task].get_submodule(source)
                        received[task] = received[task] + send(features[source])
        return received


class FeaturePropagation(nn.Module):
    """MTI-Net's module (Vandenhende et al., ECCV 2020): what a scale hands to the next finer one.

    The tasks' features are weighted against each other, merged, and added to each task's own. The
    weights are a softmax over the tasks in the paper. In the released code it is one over N
    neighbouring channels of a task, as its mask (N,C) is viewed as (C,N): variant ``released``.
    """

    def __init__(self, tasks: Iterable[TaskName], channels: int, variant: Variant) -> None:
        super().__init__()
        self.tasks, self.variant = list(tasks), variant
        stacked = len(self.tasks) * channels
        self.mask = nn.Sequential(
            *basic_blocks(stacked, stacked // 4), nn.Conv2d(stacked // 4, stacked, 1)
        )
        self.merge = basic_block(stacked, channels)
        self.excite = nn.ModuleDict({task: SqueezeExcite(channels) for task in self.tasks})

    def forward(self, features: Features) -> dict[TaskName, Tensor]:
        stacked_BDhw = torch.cat([features[task] for task in self.tasks], dim=1)
        weights_BDhw = self._softmax(self.mask(stacked_BDhw))
        merged_BChw = self.merge(weights_BDhw * stacked_BDhw)
        return {task: features[task] + self.excite[task](merged_BChw) for task in self.tasks}

    def _softmax(self, mask_BDhw: Tensor) -> Tensor:
        count = len(self.tasks)
        if self.variant == "released":
            return mask_BDhw.unflatten(1, (-1, count)).softmax(dim=2).flatten(1, 2)
        return mask_BDhw.unflatten(1, (count, -1)).softmax(dim=1).flatten(1, 2)
