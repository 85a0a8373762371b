"""Margin-based label smoothing (Liu et al., CVPR 2022): no logit far below the largest.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm


def margin_smoothing(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    margin: float = 10.0,
    variant: Variant = "paper",
) -> LossTerm:
    """The sum over classes of max(0, max_j l_j - l_k - margin), averaged over valid pixels (Eq. 8).

    The second term of MbLS: beside cross-entropy, with a weight of 0.1. The label plays no part,
    only the void. "released" averages over the classes, too.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        margin: >= 0, in logits; 0 is a penalty like label smoothing.

    Returns:
        The sum over valid pixels, and their number ("released": times K).
    """
    require(0 <= margin < float("inf"), "margin", "a finite number >= 0", margin)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    pixels, classes = (labels_BHW != VOID).sum(), logits_BKHW.shape[1]
    total, gradient_BKHW = _value_and_gradient(logits_BKHW, labels_BHW, margin)
    value = with_known_gradient(logits_BKHW, total, gradient_BKHW)
    return LossTerm(value, pixels * classes if variant == "released" else pixels)


@torch.no_grad()
def _value_and_gradient(
    logits_BKHW: Tensor, labels_BHW: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    """Each class beyond the margin gets -1, and the largest logit gets their number."""
    gradient_BKHW = torch.empty_like(logits_BKHW)
    total = logits_BKHW.new_zeros((), dtype=torch.float64)
    for image, band in bands(logits_BKHW):
        logits, valid = logits_BKHW[image, :, band], (labels_BHW[image, band] != VOID).unsqueeze(1)
        largest, place = logits.max(dim=1, keepdim=True)
        excess = (largest - logits - margin).clamp_(min=0).mul_(valid)
        total += excess.sum(dtype=torch.float64)
        slope = excess.sign().neg_()
        gradient_BKHW[image, :, band] = slope.scatter_add(1, place, -slope.sum(1, keepdim=True))
    return total.to(logits_BKHW.dtype), gradient_BKHW
