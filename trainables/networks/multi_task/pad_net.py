"""PAD-Net (Xu et al., CVPR 2018) on an encoder's four maps, as Multi-Task-Learning-PyTorch has it.

Shape letters: B images, D features, h rows, w columns at stride 4.
"""

from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks
from trainables.networks.multi_task.blocks import Distillation, bottlenecks
from trainables.networks.multi_task.host import Host
from trainables.networks.multi_task.pyramid import Pyramid, fusion, stacked
from trainables.networks.network import Output

_WIDTH = 256


class PADNet(Host):
    """Initial predictions of all tasks, distillation among their features, final predictions."""

    out_channels = _WIDTH

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
        width = sum(self.pyramid.channels)
        initial, main = self.predicted.initial, self.predicted.channels
        self.fuse = fusion(width)
        self.refine = nn.ModuleDict({name: bottlenecks(width, _WIDTH) for name in initial})
        self.distil = Distillation(main, initial, _WIDTH)
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(*bottlenecks(_WIDTH, _WIDTH), nn.Conv2d(_WIDTH, channels, 1))
                for name, channels in main.items()
            }
        )
        if config.auxiliary:
            heads = nn.ModuleDict(
                {name: nn.Conv2d(_WIDTH, channels, 1) for name, channels in initial.items()}
            )
            self.auxiliary = nn.ModuleList([heads])

    def forward(self, images_B3HW: Tensor) -> Output:
        shared_BDhw = self.fuse(stacked(self.pyramid(images_B3HW)))
        features = {name: self.refine[name](shared_BDhw) for name in self.predicted.initial}
        distilled = self.distil(features)
        maps = {name: self.heads[name](distilled[name]) for name in self.predicted.channels}
        return self.output(maps, self.of_main(distilled), self.initial((features,)))
