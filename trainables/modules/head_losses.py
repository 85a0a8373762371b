"""Losses of a boundary head's scores, each named as in its paper. Shape letters: B, H, W."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from trainables.geometry.boundaries import (
    VOID,
    Variant,
    boundary_maker,
    eight_neighbour_boundary,
)
from trainables.losses import boundary_correlation as correlation
from trainables.losses import boundary_cross_entropy as entropy
from trainables.losses.cross_entropy import edge_attention
from trainables.losses.term import LossTerm
from trainables.modules.loss_module import HeadLoss

BoundaryKind = Literal["sobel", "radius"]


@dataclass(eq=False, repr=False, kw_only=True)
class BoundaryCrossEntropy(HeadLoss):
    """L_bxe (InverseForm, Eq. 6): cross-entropy of the boundary, balanced as in HED, in nats."""

    boundary: BoundaryKind = "sobel"
    """The true boundary: the paper's filter, or a radius of 2 pixels (the released code)."""
    variant: Variant = "paper"
    """"released" balances over the batch, and divides by all pixels."""

    def head_term(
        self, logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
    ) -> LossTerm:
        boundary_BHW = boundary_maker(self.boundary, self.variant)(labels_BHW, logits_BKHW.shape[1])
        return entropy.boundary_cross_entropy(
            boundary_logits_BHW, boundary_BHW, labels_BHW != VOID, variant=self.variant
        )


@dataclass(eq=False, repr=False, kw_only=True)
class EdgeHead(HeadLoss):
    """Cross-entropy of an edge head: SEMEDA's multi-task baseline (Eq. 5), in nats."""

    def head_term(
        self, logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
    ) -> LossTerm:
        boundary_BHW = eight_neighbour_boundary(labels_BHW)
        return entropy.edge_head_loss(boundary_logits_BHW, boundary_BHW, labels_BHW != VOID)


@dataclass(eq=False, repr=False, kw_only=True)
class EdgeAttention(HeadLoss):
    """Balanced cross-entropy where the boundary head is sure (GSCNN; InverseForm's code)."""

    confident_on: Literal["logit", "probability"] = "logit"
    """What is above 0.8: InverseForm's code, or GSCNN's paper."""
    variant: Variant = "paper"
    """"released" weighs and sums over the batch."""

    def head_term(
        self, logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
    ) -> LossTerm:
        return edge_attention(
            logits_BKHW,
            labels_BHW,
            boundary_logits_BHW,
            confident_on=self.confident_on,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class BoundaryCorrelation(HeadLoss):
    """The expected shift of the boundary by cross-correlation, in pixels, tile by tile.

    Ours, of the rival that InverseForm names in section 3.1 and gives no formula for.
    """

    tile: int = 32
    """Side of a tile in pixels."""
    reach: int = 4
    """The largest shift each way, in pixels; 0 .. tile - 1."""
    sharpness: float = 20.0
    """Of the softmax over shifts."""
    boundary: BoundaryKind = "sobel"
    """As in ``BoundaryCrossEntropy``."""
    variant: Variant = "paper"
    """Of the boundary with a radius."""

    def head_term(
        self, logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
    ) -> LossTerm:
        boundary_BHW = boundary_maker(self.boundary, self.variant)(labels_BHW, logits_BKHW.shape[1])
        return correlation.boundary_correlation(
            boundary_logits_BHW,
            boundary_BHW,
            labels_BHW != VOID,
            tile=self.tile,
            reach=self.reach,
            sharpness=self.sharpness,
        )
