"""What a kind of stage is: when it is needed, what decides it, how it is built and trained."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import nn

from trainables.config import TrialConfig
from trainables.config.pixels import RGB, Pixels
from trainables.data.dataset import Dataset
from trainables.stages import masks
from trainables.stages.result import TrainedStage
from trainables.stages.work import Work


class Build(Protocol):
    """Makes an untrained network for a number of classes and a kind of images."""

    def __call__(
        self, config: TrialConfig, num_classes: int, pixels: Pixels = RGB
    ) -> nn.Module: ...


class Kind(NamedTuple):
    """One kind of stage."""

    needed: Callable[[TrialConfig], bool]
    paths: tuple[str, ...]
    """The config fields that, with the data, determine the network; ``section/*`` is all of one."""
    build: Build
    train: Callable[[TrialConfig, Dataset, Work], TrainedStage]
    on_edges: Callable[[TrialConfig], bool]
    """Whether it is trained on edge maps in the place of the labels."""
    in_loss: bool = True
    """Whether it is a field of ``Learned``, which a trial needs before its first step."""

    def masks(self, config: TrialConfig, dataset: Dataset) -> Dataset:
        """The dataset with the masks that it is trained on as labels."""
        return masks.edges_as_labels(dataset) if self.on_edges(config) else dataset
