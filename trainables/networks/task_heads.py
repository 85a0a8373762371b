"""Heads of further tasks on the features that a network shares among them.

Shape letters: B images, C channels of a task's map, K classes, D features, h rows, w columns.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables.config import require
from trainables.config.tasks import TASKS, NetworkTasks
from trainables.networks.network import Network
from trainables.networks.plain_network import PlainNetwork

_PREDICTS = "predicts._extra_state"
"""The entry of ``Predicts`` in the weights of a ``Segmenter``."""


class TaskHead(nn.Module):
    """3x3 convolution, normalisation, ReLU, 1x1 convolution to the task's channels."""

    def __init__(self, features: int, outputs: int, hidden: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(features, hidden, 3, padding=1, bias=False),
            nn.GroupNorm(8, hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, outputs, 1),
        )

    def forward(self, features_BDhw: Tensor) -> Tensor:
        """(B,C,h,w) at the features' stride."""
        maps_BChw: Tensor = self.layers(features_BDhw)
        return maps_BChw


class Predicts(nn.Module):
    """Says in a network's weights what it predicts, so that whoever loads them can build it."""

    def __init__(self, tasks: NetworkTasks) -> None:
        super().__init__()
        self.channels = tasks.initial

    def get_extra_state(self) -> Tensor:
        """The channels of each of ``TASKS``; 0: it is none of them."""
        return torch.tensor([self.channels.get(task, 0) for task in TASKS])

    def set_extra_state(self, state: Tensor) -> None:
        """Raise a ValueError if the weights are of a network with other tasks."""
        if state.tolist() != self.get_extra_state().tolist():
            raise ValueError("the weights are of a network that predicts other tasks")


def parts_of(state: Mapping[str, Tensor]) -> int:
    """How many human parts the network with these weights predicts; 0: it has no such task."""
    found = state.get(_PREDICTS)
    return 0 if found is None else int(found[TASKS.index("parts")])


class NoClasses(nn.Module):
    """Stands for the classifier of a network that does not segment: zeros, without a parameter."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, features_BDhw: Tensor) -> Tensor:
        """(B,K,h,w)."""
        batch, _, *size = features_BDhw.shape
        return features_BDhw.new_zeros(batch, self.num_classes, *size)


def require_features(name: str, network: Network) -> None:
    """Raise a ValueError in one line if no head can read a network's features."""
    needs = "given model/features, the layer whose output a head reads (docs/plugins.md)"
    without = "a module without features"
    require(network.out_channels > 0, f"model/network {name}", needs, without)


def drop_classifiers(name: str, network: Network, num_classes: int) -> None:
    """Build no segmentation head, for tasks without ``semseg``, in place.

    Auxiliary heads of classes go, too. A plug-in's plain module keeps its own, which is not
    trained.

    Raises:
        ValueError: class logits are an input of the network's features.
    """
    if isinstance(network, PlainNetwork):
        return
    needs = "one whose features do not depend on class logits, without the task semseg"
    known = {path for path, _ in network.named_modules()}
    separate = bool(network.classifiers) and known >= {*network.classifiers}
    require(separate, f"model/network {name}", needs, type(network).__name__)
    network.auxiliary, network.auxiliary_weights = None, ()
    for path in network.classifiers:
        network.set_submodule(path, NoClasses(num_classes))
