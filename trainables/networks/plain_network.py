"""Users' own networks: any module that maps images to logits, and what is required of it.

Shape letters: B images, K classes, H rows, W columns (h, w at the network's stride).
"""

from collections.abc import Mapping

from torch import Tensor, nn

from trainables.config import refused, require
from trainables.config.tasks import TaskName
from trainables.networks.layer_output import LayerOutput
from trainables.networks.network import Network, Output


class PlainNetwork(Network):
    """A module that is no ``Network``: logits, and on request a layer's output as features."""

    unused_parameters = True
    transfer = "initial weights are those that the plug-in gives it"

    def __init__(self, module: nn.Module, name: str, layer: str, bands: int) -> None:
        """``layer`` is the path of the one whose output a boundary head reads; "": none. ``bands``:
        of its images."""
        super().__init__()
        self.module, self.out_channels = module, 0
        self._layer, self._read = layer, None if not layer else LayerOutput(name, module, layer)
        if self._read is not None:
            self.out_channels = self._read.channels(module, bands)

    def forward(self, images_B3HW: Tensor) -> object:
        if self._read is None:
            return self.module(images_B3HW)
        result, features_BDhw = self._read.read(self.module, images_B3HW)
        return Output(logits_of(result), features_BDhw)  # type: ignore[arg-type]  # as_output checks


def as_network(name: str, built: object, layer: str = "", bands: int = 3) -> Network:
    """What ``model/network`` built, as a network.

    Args:
        layer: of a module that is no ``Network``: the one whose output are the features.
        bands: of the images.

    Raises:
        ValueError: it is no module, or has features of its own beside those of a layer.
    """
    if isinstance(built, Network):
        require(not layer, "model/features", f"'' with {name}, which is a Network", layer)
        return built
    if isinstance(built, nn.Module):
        return PlainNetwork(built, name, layer, bands)
    raise refused(f"model/network {name}", "built as a torch.nn.Module", type(built).__name__)


def as_output(name: str, result: object, batch: int, num_classes: int) -> Output:
    """A network's result: an ``Output``, the logits alone, or an object or mapping that has them.

    Args:
        name: of the network, for the message.
        result: ``Output``, a tensor, an object with ``logits`` (transformers), or a mapping with
            ``out`` (torchvision).
        batch: B.
        num_classes: K.

    Raises:
        ValueError: it is none of these, or the logits are not float (B,K,h,w).
    """
    logits = logits_of(result)
    if isinstance(logits, Tensor) and logits.is_floating_point() and logits.ndim == 4:
        if logits.shape[:2] == (batch, num_classes):
            return result if isinstance(result, Output) else Output(logits, None)
    raise refused(
        f"model/network {name}",
        f"a module whose logits are float ({batch}, {num_classes}, h, w): images, classes",
        _described(logits),
    )


def task_map(name: str, output: Output, task: TaskName, channels: int) -> Tensor:
    """A task's map of a network with heads of its own.

    Raises:
        ValueError: there is none, or it is not float (B,C,h,w).
    """
    found, batch = output.tasks.get(task), len(output.logits_BKhw)
    if isinstance(found, Tensor) and found.is_floating_point() and found.ndim == 4:
        if found.shape[:2] == (batch, channels):
            return found
    needs = f"a module whose tasks[{task!r}] is float ({batch}, {channels}, h, w)"
    raise refused(f"model/network {name}", needs, _described(found))


def logits_of(result: object) -> object:
    """What may be the logits of a network's result, unchecked; see ``as_output``."""
    if isinstance(result, Output):
        return result.logits_BKhw
    if isinstance(result, Mapping):
        return result.get("out", result.get("logits"))
    return getattr(result, "logits", result)


def _described(found: object) -> str:
    if isinstance(found, Tensor):
        return f"{str(found.dtype).removeprefix('torch.')} {tuple(found.shape)}"
    return type(found).__name__
