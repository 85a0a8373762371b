"""One try of a network before a study: what cannot train or evaluate is found here.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks
from trainables.networks.batch_norm import make_global
from trainables.networks.segmentation import Segmenter, SegmenterOutput

TWO = 2


@dataclass(frozen=True)
class Attempt:
    """A network as a study would build it, and the images of one of its ranks."""

    model: ModelConfig
    num_classes: int
    boundary_head: bool
    images_B3HW: Tensor
    """Two images in [0,1], or the frames of two clips, as training sees them."""
    trained: int
    """How many of them one batch of a rank has, at most two."""
    pixels: Pixels = RGB
    """What the images are."""
    shared_statistics: bool = False
    """Whether batch norms see the images of other ranks, too, so that one image is enough."""
    tasks: NetworkTasks | None = None
    """What is predicted; None: the segmentation alone."""
    clip: int = 1
    """Frames of a clip; 1: single images."""

    def run(self) -> list[str]:
        """Evaluate two images and one, and train one batch, with random weights.

        Returns:
            The paths of the parameters that get no gradient.

        Raises:
            ValueError: the logits have another shape or type, are not finite, or depend on no
                parameter.
            Exception: whatever the network itself raises.
        """
        bare = replace(self.model, weights="none", init="")
        with torch.random.fork_rng(devices=[]):
            given = self.num_classes, self.boundary_head, self.pixels, self.tasks
            network = Segmenter(bare, *given)
            make_global(network)  # as a training does
            self._evaluate(network.eval())
            return self._train(network.train())

    def _images(self, count: int) -> Tensor:
        return self.images_B3HW[: count * self.clip]

    def _known(self, count: int) -> Tensor | None:
        """An object wherever the first frames of so many clips are; None for single images."""
        if self.clip == 1:
            return None
        return torch.ones_like(self.images_B3HW[: count * self.clip : self.clip, 0])

    def _evaluate(self, network: Segmenter) -> None:
        with torch.no_grad():
            for count in (TWO, 1):
                output = network(self._images(count), False, self._known(count))
                for name, map_BCHW in {"logits": output.logits_BKHW, **output.tasks}.items():
                    if not map_BCHW.is_meta and not bool(map_BCHW.isfinite().all()):
                        words = f"a network with finite {name} for {count} images"
                        raise refused(f"model/network {network.name}", words, "NaN or infinity")

    def _train(self, network: Segmenter) -> list[str]:
        if self.shared_statistics:
            for part in network.modules():
                if isinstance(part, nn.modules.batchnorm._BatchNorm):
                    part.eval()
        network.dropout.draw(0, 1, range(self.trained))
        count = self.trained
        _scalar(network(self._images(count), False, self._known(count))).backward()
        learned = [item for item in network.named_parameters() if item[1].requires_grad]
        without = [path for path, weight in learned if weight.grad is None]
        if len(without) == len(learned) or all(_is_zero(weight.grad) for _, weight in learned):
            words = "a network whose logits depend on its parameters (no detach, no argmax)"
            raise refused(f"model/network {network.name}", words, "no gradient")
        return without


def _scalar(output: SegmenterOutput) -> Tensor:
    """A number on which every output of a network has an effect."""
    maps: Sequence[Tensor] = [output.logits_BKHW, *output.auxiliary_BKHW, *output.tasks.values()]
    maps = [*maps, *(map_BCHW for scale in output.initial for map_BCHW in scale.values())]
    if output.boundary_logits_BHW is not None:
        maps = [*maps, output.boundary_logits_BHW]
    return torch.stack([(map_.float() - 1).square().mean() for map_ in maps]).sum()


def _is_zero(gradient: Tensor | None) -> bool:
    return gradient is None or (not gradient.is_meta and not bool(gradient.any()))
