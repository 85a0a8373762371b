"""What SegFix's network is trained with: two balanced cross-entropies (section 3 of the paper).

Shape letters: B crops, N directions, L labels, H rows, W columns (h, w of the network's output).
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import Variant, one_hot
from trainables.networks.network import enlarged
from trainables.refinement.segfix import NEAR, UNKNOWN

_LIKELY = 0.5
"""The probability of a boundary from which the direction is learned."""


def segfix_loss(
    near_logits_B2hw: Tensor,
    direction_logits_BNhw: Tensor,
    near_BHW: Tensor,
    direction_BHW: Tensor,
    *,
    variant: Variant = "paper",
) -> Tensor:
    """The sum, in nats, of the cross-entropies of boundary and direction.

    Directions count where the network itself predicts a boundary. Each label weighs 1 less its
    share of the pixels of the whole batch that count. Where one label has them all, that weight is
    0, and so is our loss; where none counts, our loss is 0, too, and "released" is NaN.

    Args:
        near_logits_B2hw: of "far from a boundary" and "near", at any size.
        direction_logits_BNhw: of each direction, at the same size.
        near_BHW: int64, 0 or 1; -1 where unknown.
        direction_BHW: int64, 0..N-1; -1 where unknown.
    """
    size = near_BHW.shape[-2:]
    near_logits_B2HW = enlarged(near_logits_B2hw, size)
    likely_BHW = near_logits_B2HW.detach().softmax(dim=1)[:, NEAR] > _LIKELY
    direction_BHW = direction_BHW.masked_fill(~likely_BHW, UNKNOWN)
    boundary = _balanced(near_logits_B2HW, near_BHW, variant)
    return boundary + _balanced(enlarged(direction_logits_BNhw, size), direction_BHW, variant)


def _balanced(logits_BLHW: Tensor, labels_BHW: Tensor, variant: Variant) -> Tensor:
    # Sums of one-hot maps: counting and picking have no deterministic form on a GPU.
    one_hot_BHWL = one_hot(labels_BHW, logits_BLHW.shape[1]).movedim(1, 3).contiguous()
    counts_L = one_hot_BHWL.sum(dim=(0, 1, 2))
    weights_L = (1 - counts_L / counts_L.sum()).to(logits_BLHW.dtype)
    if variant == "paper":
        weights_L = weights_L.nan_to_num(0.0)
    weight_BHWL = one_hot_BHWL * weights_L
    nats = -(weight_BHWL * logits_BLHW.log_softmax(dim=1).movedim(1, 3)).sum()
    weighed = (weights_L * counts_L).sum()
    if variant == "paper":
        weighed = weighed.clamp(min=torch.finfo(weighed.dtype).tiny)
    return nats / weighed
