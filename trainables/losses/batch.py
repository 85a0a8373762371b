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
    """None if the network has no boundary head."""


@dataclass(frozen=True)
class Target:
    """The ground truth of a batch. Maps that only some losses need are computed on first use."""

    labels_BHW: Tensor
    num_classes: int

    @cached_property
    def valid_BHW(self) -> Tensor:
        return self.labels_BHW != VOID

    @cached_property
    def sobel_BHW(self) -> Tensor:
        return sobel_boundary(self.labels_BHW, self.num_classes)

    @cached_property
    def eight_neighbour_BHW(self) -> Tensor:
        return eight_neighbour_boundary(self.labels_BHW)

    def boundary_BHW(self, config: LossConfig) -> Tensor:
        """The true boundary, for InverseForm's boundary head."""
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
