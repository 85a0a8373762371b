"""ASTMT's network (Maninis et al., CVPR 2019): one task at a time, with layers of its own.

It is not the complete method: there is no discriminator that makes the tasks' gradients alike, and
the optimiser makes one step on the sum of the tasks instead of one for each. So no network here has
the paper's name alone.
Shape letters: B images, D features, h rows, w columns at a stride.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks, TaskName
from trainables.networks.encoders import sketch
from trainables.networks.multi_task.host import Host
from trainables.networks.multi_task.modulated import ModulatedBottleneck, ModulatedConvolution
from trainables.networks.multi_task.pyramid import require_timm
from trainables.networks.network import Backbone, Output, normalized, resized

_WIDTH, _LOW = 64, 12
"""Features of the decoder, and of what it reads at stride 4: a quarter of DeepLabV3+'s."""
_RATES = (6, 12, 18)
_INPUTS = 2048


class ModulatedDeepLab(Host):
    """A ResNet of bottlenecks at output stride 16, DeepLabV3+'s decoder, squeeze and excitation.

    The image passes once for each task. Unlike the released code, the first block of the dilated
    stage is not dilated and strides lie in the 3x3 convolutions, as timm's weights expect.
    """

    out_channels = _WIDTH

    def __init__(
        self,
        config: ModelConfig,
        num_classes: int,
        pixels: Pixels = RGB,
        tasks: NetworkTasks | None = None,
        modulated: bool = True,
    ) -> None:
        """Not ``modulated``: tasks have batch norms of the encoder and the last layer apart."""
        super().__init__(num_classes, tasks)
        _require_bottlenecks(config)
        backbone = Backbone(config, config.encoder, pixels, output_stride=16)
        self.mean, self.std, self.transfer = backbone.mean, backbone.std, backbone.transfer
        names = list(self.predicted.channels)
        self.backbone = _ModulatedResNet(backbone, names, modulated)
        self.decoder = _Decoder(names, backbone.channels[1], modulated)
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(_WIDTH, channels, 1) for name, channels in self.predicted.main}
        )

    def forward(self, images_B3HW: Tensor) -> Output:
        stem_BDhw = self.backbone.stem(normalized(images_B3HW, self.mean, self.std))
        features = {name: self._features(stem_BDhw, name) for name in self.predicted.channels}
        maps = {name: self.heads[name](x_BDhw) for name, x_BDhw in features.items()}
        return self.output(maps, self.of_main(features))

    def _features(self, x_BDhw: Tensor, task: TaskName) -> Tensor:
        low_BDhw, high_BDhw = self.backbone(x_BDhw, task)
        decoded_BDhw: Tensor = self.decoder(low_BDhw, high_BDhw, task)
        return decoded_BDhw


class _ModulatedResNet(nn.Module):
    """timm's stages, each block of which acts differently for each task, after one stem."""

    def __init__(self, plain: Backbone, tasks: Sequence[TaskName], modulated: bool) -> None:
        super().__init__()
        body = plain.body
        self.stem = nn.Sequential(body.conv1, body.bn1, body.act1, body.maxpool)
        self.stages = nn.ModuleList(
            nn.ModuleList(ModulatedBottleneck(block, tasks, modulated) for block in stage)
            for stage in (body.layer1, body.layer2, body.layer3, body.layer4)
        )

    def forward(self, stem_BDhw: Tensor, task: TaskName) -> tuple[Tensor, Tensor]:
        """The features of the first stage and of the last, from those of the stem."""
        stages = [stem_BDhw]
        for stage in self.stages:
            x_BDhw = stages[-1]
            for block in stage:  # type: ignore[attr-defined]
                x_BDhw = block(x_BDhw, task)
            stages.append(x_BDhw)
        return stages[1], stages[-1]


class _Decoder(nn.Module):
    """DeepLabV3+'s (Chen et al., ECCV 2018) for several tasks, of a quarter of its width."""

    def __init__(self, tasks: Sequence[TaskName], low: int, modulated: bool) -> None:
        super().__init__()

        def layer(inputs: int, kernel: int = 1, rate: int = 1) -> ModulatedConvolution:
            padding = rate * (kernel // 2)
            convolution = nn.Conv2d(
                inputs, _WIDTH, kernel, padding=padding, dilation=rate, bias=False
            )
            return ModulatedConvolution(convolution, tasks, modulated)

        self.branches = nn.ModuleList(
            [layer(_INPUTS), *(layer(_INPUTS, 3, rate) for rate in _RATES)]
        )
        pooled, narrow = (
            nn.Conv2d(inputs, width, 1, bias=False)
            for inputs, width in ((_INPUTS, _WIDTH), (low, _LOW))
        )
        self.pooled = ModulatedConvolution(pooled, tasks, modulated, adapted=False)
        self.project = layer(5 * _WIDTH)
        self.low = ModulatedConvolution(narrow, tasks, modulated, reduction=4)
        self.fuse = nn.ModuleList([layer(_WIDTH + _LOW, 3), layer(_WIDTH, 3)])

    def forward(self, low_BDhw: Tensor, high_BDhw: Tensor, task: TaskName) -> Tensor:
        """(B,64,h,w) at the low features' stride."""
        pooled_BD11 = self.pooled(high_BDhw.mean(dim=(2, 3), keepdim=True), task)
        branches = [branch(high_BDhw, task) for branch in self.branches]
        context_BDhw = torch.cat((*branches, resized(pooled_BD11, high_BDhw)), dim=1)
        low_BDhw = self.low(low_BDhw, task)
        x_BDhw = resized(self.project(context_BDhw, task), low_BDhw)
        x_BDhw = torch.cat((x_BDhw, low_BDhw), dim=1)
        for layer in self.fuse:
            x_BDhw = layer(x_BDhw, task)
        return x_BDhw


def _require_bottlenecks(config: ModelConfig) -> None:
    """Raise a ValueError in one line if the encoder is no ResNet of bottlenecks."""
    from timm.models.resnet import Bottleneck, ResNet  # slow: see the head of network.py

    require_timm(config)
    plan = sketch(config.encoder)
    if not isinstance(plan, ResNet) or not isinstance(plan.layer1[0], Bottleneck):
        such = "resnet26, resnet50, resnet101 or seresnet50"
        needs = f"a ResNet of bottlenecks, such as {such}, with {config.network}"
        raise refused("model/encoder", needs, config.encoder)
