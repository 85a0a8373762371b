"""Which masks a stage is trained on: the labels, or the edge maps of the task ``edge``.

Shape letters: B images, H rows, W columns.
"""

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import TrialConfig
from trainables.data.dataset import Dataset, ImageList
from trainables.geometry.boundaries import BoundaryMaker, boundary_maker

EDGE = 1
"""The class of an edge pixel in ``edges_as_labels``."""


def edges_as_labels(dataset: Dataset) -> Dataset:
    """The dataset with its edge maps in the place of the labels, as two classes; 255 stays void."""
    return replace(
        dataset,
        classes=("no edge", "edge"),
        colours=((0, 0, 0), (255, 255, 255)),
        splits={split: _with_edges(images) for split, images in dataset.splits.items()},
    )


def _with_edges(images: ImageList) -> ImageList:
    edges_NHW = cast(NDArray[np.uint8], images.targets["edge"])
    return replace(images, labels_NHW=edges_NHW)


def boundary_of(config: TrialConfig) -> BoundaryMaker:
    """The true boundary of masks ``of_boundaries``, as the losses of the boundary head have it."""
    if has_edge_task(config):
        return _edge_pixels
    return boundary_maker(config.loss.boundary, config.loss.variant)


def _edge_pixels(labels_BHW: Tensor, num_classes: int) -> Tensor:
    return labels_BHW == EDGE


def of_boundaries(config: TrialConfig, dataset: Dataset) -> Dataset:
    """The masks whose boundaries a boundary head is compared with."""
    return edges_as_labels(dataset) if has_edge_task(config) else dataset


def has_edge_task(config: TrialConfig) -> bool:
    """Whether the boundary head is the edge task's."""
    return "edge" in config.task.names


def classes_are_edges(config: TrialConfig) -> bool:
    """Whether losses of classes see the edge task's head as two classes."""
    return config.task.boundary_on == "edge"
