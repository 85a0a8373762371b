"""The sections of the stages: networks inside losses, trained once before the trials."""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import require, require_choices


@dataclass(frozen=True, kw_only=True, slots=True)
class InverseNetConfig:
    """How InverseForm's inverse-transformation network is trained."""

    hidden: int = 128
    """Units of its two hidden layers."""

    steps: int = 1200
    """Optimiser steps."""

    batch: int = 128
    """Pairs of tiles per step."""

    lr: float = 4e-3
    """Peak learning rate of Adam, under a one-cycle schedule."""

    seed: int = 0
    """Of its weights and pairs; separate, so that trials with different seeds share the network."""

    network: Literal["dense", "aet"] = "dense"
    """The paper's dense network, or the convolutional baseline of its Table 5."""

    pairs: Literal["random", "stn"] = "random"
    """Transformations drawn at random, or by a spatial transformer trained with the network."""

    unlike: bool = True
    """One more output, ours: how much of the prediction the transformation does not explain."""

    cells: int = 16
    """Rows and columns to which a tile is first reduced; smaller tiles keep their size."""

    def __post_init__(self) -> None:
        require_choices(self, "inverse_net")
        for name in ("hidden", "steps", "batch"):
            require(getattr(self, name) >= 1, f"inverse_net/{name}", ">= 1", getattr(self, name))
        require(self.lr > 0, "inverse_net/lr", "> 0", self.lr)
        require(self.seed >= 0, "inverse_net/seed", ">= 0", self.seed)
        require(self.cells >= 4, "inverse_net/cells", ">= 4", self.cells)


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeNetConfig:
    """How SEMEDA's edge network is trained."""

    steps: int = 2000
    """Optimiser steps."""

    batch: int = 16
    """Crops of masks per step."""

    crop: int = 24
    """Side of a crop in pixels; smaller images are used whole."""

    lr: float = 1e-2
    """Peak learning rate of Adam, under a one-cycle schedule."""

    noise: float = 0.1
    """Standard deviation of the noise added to one-hot masks before the softmax (3.3)."""

    sharpness: float = 10.0
    """Largest random factor on the softmax's inputs; 1 in the paper, 10 is as sure as a network."""

    seed: int = 0
    """Of its weights and crops."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            require(getattr(self, name) >= 1, f"edge_net/{name}", ">= 1", getattr(self, name))
        require(self.crop >= 8, "edge_net/crop", ">= 8", self.crop)
        require(self.lr > 0, "edge_net/lr", "> 0", self.lr)
        finite = 0 <= self.noise < float("inf")
        require(finite, "edge_net/noise", "a finite number >= 0", self.noise)
        sharp = 1 <= self.sharpness < float("inf")
        require(sharp, "edge_net/sharpness", "a finite number >= 1", self.sharpness)
        require(self.seed >= 0, "edge_net/seed", ">= 0", self.seed)
