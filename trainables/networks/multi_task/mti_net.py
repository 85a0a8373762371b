"""MTI-Net (Vandenhende et al., ECCV 2020): initial predictions and distillation at four scales.

Shape letters: B images, D features, h rows, w columns at a stride.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks, TaskName
from trainables.networks.multi_task.blocks import (
    Distillation,
    FeaturePropagation,
    Features,
    basic_blocks,
)
from trainables.networks.multi_task.host import Host
from trainables.networks.multi_task.pyramid import Pyramid, fused_head, stacked
from trainables.networks.network import Output, resized


class InitialFeatures(nn.Module):
    """Each task's features of one scale, from the encoder's map and those of the coarser scale."""

    def __init__(self, tasks: Iterable[TaskName], inputs: int, outputs: int) -> None:
        """``inputs``: channels of the map and of the coarser features together."""
        super().__init__()
        self.tasks = list(tasks)
        self.refine = nn.ModuleDict({task: basic_blocks(inputs, outputs) for task in self.tasks})

    def forward(self, stage_BDhw: Tensor, coarser: Features | None) -> dict[TaskName, Tensor]:
        return {
            task: self.refine[task](_joined(stage_BDhw, coarser[task]) if coarser else stage_BDhw)
            for task in self.tasks
        }


def _joined(stage_BDhw: Tensor, coarser_BDhw: Tensor) -> Tensor:
    return torch.cat((stage_BDhw, resized(coarser_BDhw, stage_BDhw)), dim=1)


class MTINet(Host):
    """As its authors released it; ``task/variant`` decides how features are propagated.

    Level 0 has stride 4, level 3 has stride 32.
    """

    def __init__(
        self,
        config: ModelConfig,
        num_classes: int,
        pixels: Pixels = RGB,
        tasks: NetworkTasks | None = None,
    ) -> None:
        super().__init__(num_classes, tasks)
        self.pyramid = Pyramid(config, pixels)
        self.transfer = self.pyramid.backbone.transfer
        widths = self.pyramid.channels
        self.out_channels = sum(widths)
        initial, main = self.predicted.initial, self.predicted.channels
        coarser = [*widths[1:], 0]
        self.refine = nn.ModuleList(
            InitialFeatures(initial, width + below, width)
            for width, below in zip(widths, coarser, strict=True)
        )
        self.propagate = nn.ModuleList(
            FeaturePropagation(initial, width, self.predicted.variant) for width in widths[1:]
        )
        self.distil = nn.ModuleList(Distillation(main, initial, width) for width in widths)
        self.heads = nn.ModuleDict(
            {name: fused_head(self.out_channels, channels) for name, channels in main.items()}
        )
        if config.auxiliary:
            self.auxiliary = nn.ModuleList(
                nn.ModuleDict({name: nn.Conv2d(width, each, 1) for name, each in initial.items()})
                for width in widths
            )

    def forward(self, images_B3HW: Tensor) -> Output:
        levels = self._levels(self.pyramid(images_B3HW))
        distilled = [distil(level) for distil, level in zip(self.distil, levels, strict=True)]
        features = {
            name: stacked([level[name] for level in distilled]) for name in self.predicted.channels
        }
        maps = {name: self.heads[name](features[name]) for name in features}
        return self.output(maps, self.of_main(features), self.initial(levels))

    def _levels(self, stages: list[Tensor]) -> list[dict[TaskName, Tensor]]:
        """Each level's features by task, from the coarsest to the finest, which comes first."""
        levels: list[dict[TaskName, Tensor]] = []
        coarser: Features | None = None
        for level in reversed(range(len(stages))):
            levels.insert(0, self.refine[level](stages[level], coarser))
            coarser = self.propagate[level - 1](levels[0]) if level else None
        return levels
