"""Class-balanced cross-entropy on a boundary map. Shape letters: B images, H rows, W columns."""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import Variant
from trainables.losses.inputs import check_logits, check_map, full_precision
from trainables.losses.term import LossTerm


def boundary_cross_entropy(
    boundary_logits_BHW: Tensor,
    boundary_BHW: Tensor,
    valid_BHW: Tensor,
    *,
    variant: Variant = "paper",
) -> LossTerm:
    """Weighted boundary cross-entropy: ``L_bxe`` of InverseForm, Eq. 6.

    Boundary pixels weigh #background / #valid, the others #boundary / #valid, as in HED (Xie and
    Tu, ICCV 2015, Eq. 2). "paper", the default, counts within each image, as HED does, and divides
    by the valid pixels. "released" counts over the batch, so the loss depends on how images are
    distributed over ranks, and divides by all pixels, void ones included.

    Args:
        boundary_logits_BHW: float, before the sigmoid.
        boundary_BHW: bool, the true boundary.
        valid_BHW: bool, False where the label is void; such pixels have no weight.
    """
    check_boundary(boundary_logits_BHW, boundary_BHW, valid_BHW)
    logits_BHW = full_precision(boundary_logits_BHW)
    positive_BHW = (boundary_BHW & valid_BHW).to(logits_BHW.dtype)
    negative_BHW = (~boundary_BHW & valid_BHW).to(logits_BHW.dtype)
    counted = (1, 2) if variant == "paper" else (0, 1, 2)
    num_positive_B11 = positive_BHW.sum(dim=counted, keepdim=True)
    num_negative_B11 = negative_BHW.sum(dim=counted, keepdim=True)
    # clamp: an image that is all void has weights 0 / 1, not 0 / 0.
    num_valid_B11 = (num_positive_B11 + num_negative_B11).clamp(min=1)

    weight_BHW = positive_BHW * (num_negative_B11 / num_valid_B11)
    weight_BHW = weight_BHW + negative_BHW * (num_positive_B11 / num_valid_B11)
    total = (weight_BHW * _entropy(logits_BHW, boundary_BHW)).sum()
    return LossTerm(total, (valid_BHW if variant == "paper" else torch.ones_like(valid_BHW)).sum())


def fixed_balance_cross_entropy(
    boundary_logits_BHW: Tensor,
    boundary_BHW: Tensor,
    valid_BHW: Tensor,
    *,
    positive_weight: float = 0.95,
    variant: Variant = "paper",
) -> LossTerm:
    """Boundary pixels weigh ``positive_weight``, others one minus that; divided by all pixels.

    This is the edge loss of the multi-task code on which InverseForm's Table 3 builds (MTI-Net,
    ASTMT), with its 0.95. It does not depend on the batch. In "released", void pixels have a
    weight, as in that code where the balance is fixed.

    Args:
        boundary_logits_BHW: float, before the sigmoid.
        boundary_BHW: bool.
        valid_BHW: bool; invalid pixels have no weight, but are counted.
        positive_weight: in [0, 1].
    """
    check_boundary(boundary_logits_BHW, boundary_BHW, valid_BHW)
    require(0 <= positive_weight <= 1, "positive_weight", "in [0, 1]", positive_weight)
    if variant == "released":
        valid_BHW = torch.ones_like(valid_BHW)
    return _fixed(boundary_logits_BHW, boundary_BHW, valid_BHW, positive_weight)


def released_balance_cross_entropy(
    boundary_logits_BHW: Tensor, boundary_BHW: Tensor, valid_BHW: Tensor
) -> LossTerm:
    """The same code with weights computed from the batch, including its error.

    Boundary pixels weigh #not boundary / #valid. Void pixels are in the former number but not in
    the latter, so the weight can exceed one, and that of the background is then negative.
    """
    check_boundary(boundary_logits_BHW, boundary_BHW, valid_BHW)
    weight = (~boundary_BHW).sum() / valid_BHW.sum().clamp(min=1)
    return _fixed(boundary_logits_BHW, boundary_BHW, valid_BHW, weight)


def edge_head_loss(
    boundary_logits_BHW: Tensor, boundary_BHW: Tensor, valid_BHW: Tensor
) -> LossTerm:
    """Unweighted cross-entropy of an edge head, the multi-task baseline of SEMEDA (Eq. 5).

    Our one logit is the difference of the two in the paper's softmax ("Ubernet-style").

    Returns:
        The sum over valid pixels, in nats, and their number.
    """
    check_boundary(boundary_logits_BHW, boundary_BHW, valid_BHW)
    entropy_BHW = _entropy(full_precision(boundary_logits_BHW), boundary_BHW)
    return LossTerm((entropy_BHW * valid_BHW).sum(), valid_BHW.sum())


def check_boundary(boundary_logits_BHW: Tensor, boundary_BHW: Tensor, valid_BHW: Tensor) -> None:
    """Reject maps that differ in shape from (B,H,W), and logits that are not finite."""
    shape = tuple(boundary_logits_BHW.shape)
    require(len(shape) == 3, "boundary_logits_BHW", "of shape (B,H,W)", shape)
    check_map("boundary_BHW", boundary_BHW, torch.bool, shape)
    check_map("valid_BHW", valid_BHW, torch.bool, shape)
    check_logits("boundary_logits_BHW", boundary_logits_BHW, shape)


def _entropy(logits_BHW: Tensor, boundary_BHW: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(
        logits_BHW, boundary_BHW.to(logits_BHW.dtype), reduction="none"
    )


def _fixed(
    boundary_logits_BHW: Tensor,
    boundary_BHW: Tensor,
    valid_BHW: Tensor,
    positive_weight: float | Tensor,
) -> LossTerm:
    logits_BHW = full_precision(boundary_logits_BHW)
    weight_BHW = torch.where(boundary_BHW, positive_weight, 1 - positive_weight)
    total = (weight_BHW * valid_BHW * _entropy(logits_BHW, boundary_BHW)).sum()
    return LossTerm(total, torch.ones_like(valid_BHW).sum())
