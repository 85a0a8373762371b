"""Layers that act differently for each task: ASTMT's (Maninis et al., CVPR 2019, section 3).

Shape letters: B images, D features, h rows, w columns at a stride.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Protocol

from torch import Tensor, nn

from trainables.config.tasks import TaskName
from trainables.networks.multi_task.blocks import SqueezeExcite

_SHARED = "shared"


class TimmBottleneck(Protocol):
    """A residual block of timm's ResNets, which has no types."""

    conv1: nn.Conv2d
    conv2: nn.Conv2d
    conv3: nn.Conv2d
    bn1: nn.BatchNorm2d
    bn2: nn.BatchNorm2d
    bn3: nn.BatchNorm2d
    se: nn.Module | None
    downsample: nn.Sequential | None


class PerTask(nn.ModuleDict):
    """A layer for each task, or one that all of them use."""

    def __init__(
        self, tasks: Sequence[TaskName], make: Callable[[], nn.Module], separate: bool = True
    ) -> None:
        super().__init__({name: make() for name in (tasks if separate else (_SHARED,))})

    def of(self, task: TaskName) -> nn.Module:
        return self[task] if task in self else self[_SHARED]


def adapter(inputs: int, outputs: int, stride: int | tuple[int, ...] = 1) -> nn.Conv2d:
    """A 1x1 convolution beside another one; zero at first, so that it changes nothing."""
    beside = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)  # type: ignore[arg-type]
    nn.init.zeros_(beside.weight)
    return beside


class ModulatedBottleneck(nn.Module):
    """A bottleneck of timm with batch norms, squeeze and excitation, and an adapter by task.

    The convolutions are shared. Each task's layers begin as copies of timm's, with its weights.
    """

    def __init__(self, block: TimmBottleneck, tasks: Sequence[TaskName], modulated: bool) -> None:
        """Not ``modulated``: only the batch norms are a task's own."""
        super().__init__()
        self.convolutions = nn.ModuleList([block.conv1, block.conv2, block.conv3])
        norms = (block.bn1, block.bn2, block.bn3)
        self.norms = nn.ModuleList(PerTask(tasks, partial(deepcopy, norm)) for norm in norms)
        middle, outputs = block.conv2, block.conv3.out_channels
        self.adapters = None
        if modulated:
            self.adapters = PerTask(
                tasks, lambda: adapter(middle.in_channels, middle.out_channels, middle.stride)
            )
        excite = block.se if block.se is not None else SqueezeExcite(outputs)
        self.excite = PerTask(tasks, lambda: deepcopy(excite), modulated)
        self.shortcut, self.shortcut_norms = None, None
        if block.downsample is not None:
            *layers, norm = block.downsample
            self.shortcut = nn.Sequential(*layers)
            self.shortcut_norms = PerTask(tasks, lambda: deepcopy(norm))

    def forward(self, x_BDhw: Tensor, task: TaskName) -> Tensor:
        first, middle, last = self.convolutions
        norms = [norm.of(task) for norm in self.norms]  # type: ignore[operator]
        y_BDhw = norms[0](first(x_BDhw)).relu()
        adapted = 0 if self.adapters is None else self.adapters.of(task)(y_BDhw)
        y_BDhw = norms[1](middle(y_BDhw) + adapted).relu()
        y_BDhw = self.excite.of(task)(norms[2](last(y_BDhw)))
        if self.shortcut is not None and self.shortcut_norms is not None:
            x_BDhw = self.shortcut_norms.of(task)(self.shortcut(x_BDhw))
        total_BDhw: Tensor = (y_BDhw + x_BDhw).relu()
        return total_BDhw


class ModulatedConvolution(nn.Module):
    """Convolution with an adapter by task, batch norm, ReLU, squeeze and excitation by task."""

    def __init__(
        self,
        convolution: nn.Conv2d,
        tasks: Sequence[TaskName],
        modulated: bool,
        *,
        reduction: int = 16,
        adapted: bool = True,
    ) -> None:
        """Not ``modulated``: all tasks share everything."""
        super().__init__()
        inputs, outputs = convolution.in_channels, convolution.out_channels
        self.convolution = convolution
        self.norms = PerTask(tasks, lambda: nn.BatchNorm2d(outputs), modulated)
        self.adapters, self.excite = None, None
        if modulated:
            self.excite = PerTask(tasks, lambda: SqueezeExcite(outputs, reduction))
        if modulated and adapted:
            self.adapters = PerTask(tasks, lambda: adapter(inputs, outputs))

    def forward(self, x_BDhw: Tensor, task: TaskName) -> Tensor:
        y_BDhw: Tensor = self.convolution(x_BDhw)
        if self.adapters is not None:
            y_BDhw = y_BDhw + self.adapters.of(task)(x_BDhw)
        y_BDhw = self.norms.of(task)(y_BDhw).relu()
        return y_BDhw if self.excite is None else self.excite.of(task)(y_BDhw)
