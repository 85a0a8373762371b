"""Users' own networks: any module that maps images to logits, and what is required of it.

Shape letters: B images, K classes, H rows, W columns (h, w at the network's stride).
"""

from collections.abc import Mapping

from torch import Tensor, nn

from trainables.config import refused
from trainables.networks.network import Network, Output


class PlainNetwork(Network):
    """A module that is no ``Network``: it gives logits, and has no features for a boundary head."""

    out_channels = 0

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images_B3HW: Tensor) -> object:
        return self.module(images_B3HW)


def as_network(name: str, built: object) -> Network:
    """What ``model/network`` built, as a network.

    Raises:
        ValueError: it is no module.
    """
    if isinstance(built, Network):
        return built
    if isinstance(built, nn.Module):
        return PlainNetwork(built)
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
