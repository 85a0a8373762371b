"""What losses receive of a batch: the prediction, the ground truth, and the stages' networks.

Shape letters: B images, K classes, H rows, W columns.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.config import LossConfig
from trainables.geometry.boundaries import (
    VOID,
    boundary_maker,
    eight_neighbour_boundary,
    sobel_boundary,
)
from trainables.losses.inverse_form import TransformationNet
from trainables.losses.kernels.edge_row_bands import EdgeNet


class Prediction(NamedTuple):
    """The network's output for a batch."""

    logits_BKHW: Tensor
    boundary_logits_BHW: Tensor | None
    """None if the network has no boundary head; with the task ``edge`` that task's head."""

    def of_edges(self) -> "Prediction":
        """The boundary head as the scores of two classes, no edge and edge."""
        assert self.boundary_logits_BHW is not None, "the network has no boundary head"
        edge_BHW = self.boundary_logits_BHW
        return Prediction(torch.stack((torch.zeros_like(edge_BHW), edge_BHW), dim=1), edge_BHW)


@dataclass(frozen=True)
class Target:
    """The ground truth of a batch. Maps that only some losses need are computed on first use."""

    labels_BHW: Tensor
    num_classes: int
    edge_BHW: Tensor | None = None
    """With the task ``edge``, its map: 1 on an edge, else 0, missing 255."""

    @cached_property
    def valid_BHW(self) -> Tensor:
        return self.labels_BHW != VOID

    @cached_property
    def boundary_valid_BHW(self) -> Tensor:
        """Where the true boundary is known."""
        return self.valid_BHW if self.edge_BHW is None else self.edge_BHW != VOID

    def of_edges(self) -> "Target":
        """The edge map as labels of two classes."""
        assert self.edge_BHW is not None, "the data have no edge map"
        return Target(self.edge_BHW.long(), 2, self.edge_BHW)

    @cached_property
    def sobel_BHW(self) -> Tensor:
        return sobel_boundary(self.labels_BHW, self.num_classes)

    @cached_property
    def eight_neighbour_BHW(self) -> Tensor:
        return eight_neighbour_boundary(self.labels_BHW)

    @cached_property
    def edge_head_BHW(self) -> Tensor:
        """The true edges of SEMEDA's multi-task baseline."""
        return self.eight_neighbour_BHW if self.edge_BHW is None else self.edge_BHW == 1

    def boundary_BHW(self, config: LossConfig) -> Tensor:
        """The true boundary, for InverseForm's boundary head."""
        if self.edge_BHW is not None:
            return self.edge_BHW == 1
        if config.boundary == "sobel":
            return self.sobel_BHW
        make = boundary_maker(config.boundary, config.variant)
        return make(self.labels_BHW, self.num_classes)


class Learned(NamedTuple):
    """The stages' frozen networks that losses use; None if no term needs one."""

    inverse_net: TransformationNet | None = None
    edge_net: EdgeNet | None = None


def on_device(learned: Learned, device: torch.device) -> Learned:
    """The losses' networks on this device."""
    parts = learned._asdict().items()
    return Learned(**{name: p.to(device) if isinstance(p, nn.Module) else p for name, p in parts})
