"""Class-balanced cross-entropy on a boundary map. Shape letters: B images, H rows, W columns."""

import torch.nn.functional as F
from torch import Tensor

from trainables.losses.term import LossTerm


def boundary_cross_entropy(
    boundary_logits_BHW: Tensor, boundary_BHW: Tensor, valid_BHW: Tensor
) -> LossTerm:
    """Weighted boundary cross-entropy: ``L_bxe`` of InverseForm, Eq. 6.

    Each image is balanced by its own counts, as in HED (Xie and Tu, ICCV 2015, Eq. 2): boundary
    pixels weigh #background / #valid, the others #boundary / #valid. The released InverseForm
    counts over the batch, which makes the loss depend on how images are dealt to ranks.

    Args:
        boundary_logits_BHW: float, before the sigmoid.
        boundary_BHW: bool, the true boundary.
        valid_BHW: bool, False where the label is void; such pixels weigh nothing.
    """
    positive_BHW = (boundary_BHW & valid_BHW).to(boundary_logits_BHW.dtype)
    negative_BHW = (~boundary_BHW & valid_BHW).to(boundary_logits_BHW.dtype)
    num_positive_B11 = positive_BHW.sum(dim=(1, 2), keepdim=True)
    num_negative_B11 = negative_BHW.sum(dim=(1, 2), keepdim=True)
    num_valid_B11 = (num_positive_B11 + num_negative_B11).clamp(min=1)

    weight_BHW = positive_BHW * (num_negative_B11 / num_valid_B11)
    weight_BHW = weight_BHW + negative_BHW * (num_positive_B11 / num_valid_B11)
    entropy_BHW = F.binary_cross_entropy_with_logits(
        boundary_logits_BHW, boundary_BHW.to(boundary_logits_BHW.dtype), reduction="none"
    )
    return LossTerm((weight_BHW * entropy_BHW).sum(), valid_BHW.sum())
