"""Losses that compare inside a frozen network, a stage, which a study has trained.

Shape letters: B images, K classes, H rows, W columns.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor, nn

from trainables.config import require
from trainables.geometry.boundaries import VOID, boundary_maker, eight_neighbour_boundary
from trainables.losses import semeda as edges
from trainables.losses.geodesic import LAMBDA_GEO, distance_of
from trainables.losses.inverse_form import inverse_form
from trainables.losses.term import LossTerm
from trainables.modules.loss_module import ClassLoss, HeadLoss
from trainables.stages.stage_network import StageNetwork


def _loaded(kind: str, stage: str | Path | StageNetwork) -> StageNetwork:
    # What trains stages takes longer to import than all losses.
    from trainables.stages.standalone import load_stage

    if not isinstance(stage, StageNetwork):
        require(isinstance(stage, str | Path), "stage", "a file, a folder or a StageNetwork", stage)
        return load_stage(kind, stage)
    require(stage.kind == kind, "stage", f"of kind {kind}", stage.kind)
    return stage


def _in_precision_of(network: nn.Module, logits: Tensor) -> Tensor:
    """The logits in the precision of the frozen network.

    Raises:
        ValueError: that is a half one; it has changed the network that the study trained.
    """
    dtype = next(network.parameters()).dtype
    exact = dtype in (torch.float32, torch.float64)
    require(exact, "stage", "float32 or float64: exclude the loss from .half() and alike", dtype)
    return logits.to(dtype)


@dataclass(eq=False, repr=False, kw_only=True)
class InverseForm(HeadLoss):
    """InverseForm (Borse et al., CVPR 2021, Eq. 5): how far the predicted boundary has moved.

    Distance of the transformation between predicted and true tiles from the identity. The tile, the
    true boundary, the distance and the variant are those that the stage was trained with.
    """

    stage: str | Path | StageNetwork
    """``inverse_net-KEY.pt``, a folder with one such file, or what ``load_stage`` returns."""
    tile_reduction: Literal["sum", "mean"] = "sum"
    """Sum over an image's tiles (Eq. 5), or the mean over all (the released code)."""
    lambda_geo: float = LAMBDA_GEO
    """Weight of the projection residual in the geodesic distance (lambda in Eq. 3)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        stage = _loaded("inverse_net", self.stage)
        self.network, self.config = stage.network, stage.config
        if not isinstance(self.stage, str | Path):
            self.stage = "a loaded stage"

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the module; the frozen network stays in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def head_term(
        self, logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
    ) -> LossTerm:
        loss = self.config.loss
        boundary_BHW = boundary_maker(loss.boundary, loss.variant)(labels_BHW, logits_BKHW.shape[1])
        return inverse_form(
            _in_precision_of(self.network, boundary_logits_BHW),
            boundary_BHW,
            labels_BHW != VOID,
            network=self.network,
            tile=self.config.tile_px,
            tile_reduction=self.tile_reduction,
            variant=loss.variant,
            resize=loss.resized,
            distance=distance_of(loss.distance, self.lambda_geo, loss.geodesic),
        )


@dataclass(eq=False, repr=False, kw_only=True)
class _OnEdgeNet(ClassLoss):
    by_hand = True

    stage: str | Path | StageNetwork
    """``edge_net-KEY.pt``, a folder with one such file, or what ``load_stage`` returns."""

    def __post_init__(self) -> None:
        super().__post_init__()
        stage = _loaded("edge_net", self.stage)
        self.network: nn.Module = stage.network
        self.classes = stage.classes
        if not isinstance(self.stage, str | Path):
            self.stage = "a loaded stage"

    def _scores(self, logits_BKHW: Tensor) -> Tensor:
        given = logits_BKHW.shape[1]
        require(given == self.classes, "logits", f"of {self.classes} classes, as the stage", given)
        return _in_precision_of(self.network, logits_BKHW)


@dataclass(eq=False, repr=False, kw_only=True)
class SEMEDA(_OnEdgeNet):
    """SEMEDA (Chen, Dapogny and Cord, Eq. 6): match masks inside an edge network.

    Sum over its layers of lambda_l |psi_l(predicted) - psi_l(true)|, as a mean over valid pixels.
    """

    lambdas: tuple[float, float, float] = (0.0, 1.0, 0.0)
    """lambda_1, lambda_2, lambda_3, each >= 0; the default is the paper's best (Table 1)."""
    matching: edges.Matching = "before_relu"
    """Before the ReLU, as the paper found best, or after it."""
    reduction: edges.Reduction = "sum"
    """Over the channels of a layer: their sum, as Eq. 6 is printed, or their mean."""
    norm: edges.Norm = "l1"
    """Of a difference: |d|, or d squared ("L1 or L2", 4.3)."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return edges.semeda(
            self._scores(logits_BKHW),
            labels_BHW,
            edge_net=self.network,
            lambdas=self.lambdas,
            matching=self.matching,
            reduction=self.reduction,
            norm=self.norm,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class PPCEOnEdges(_OnEdgeNet):
    """SEMEDA's "PPCE on edges" (Eq. 5): cross-entropy of the edges of the predicted mask."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        scores_BKHW, boundary_BHW = self._scores(logits_BKHW), eight_neighbour_boundary(labels_BHW)
        return edges.ppce_on_edges(scores_BKHW, labels_BHW, boundary_BHW, edge_net=self.network)
