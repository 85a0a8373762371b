"""The focal loss (Lin et al., ICCV 2017): pixels that are right already weigh less.

Shape letters: B images, K classes, H rows, W columns.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm

Form = Literal["softmax", "sigmoid"]
_LEAST = 1e-12
"""Of 1 - p: below it a power under 1 has no bounded derivative."""


def focal_loss(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    gamma: float = 2.0,
    form: Form = "softmax",
    alpha: float = 0.0,
    variant: Variant = "paper",
) -> LossTerm:
    """-(1 - p)^gamma log p of the label's probability, in nats (Eq. 4); gamma 0: cross-entropy.

    "softmax" takes the probability of the one label of a pixel. "sigmoid" is the paper's: each
    class against the rest, by its own sigmoid, as a detector has it; alpha (Eq. 5, 0.25 there)
    weighs the class and 1 - alpha the rest, and 0 leaves both at 1. "released" (monai) divides
    "softmax" by the number of classes, too.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        gamma: >= 0; the paper's is 2.

    Returns:
        The sum over valid pixels, or over pairs of pixel and class, and their number.

    Raises:
        ValueError: an argument out of its range, or alpha with "softmax".
    """
    require(0 <= gamma < float("inf"), "gamma", "a finite number >= 0", gamma)
    require(0 <= alpha < 1, "alpha", "in [0, 1)", alpha)
    require(form == "sigmoid" or alpha == 0, "alpha", "0 with form softmax", alpha)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    pixels, classes = (labels_BHW != VOID).sum(), logits_BKHW.shape[1]
    if form == "softmax":
        total = focal_nats(logits_BKHW, labels_BHW, gamma).sum()
        return LossTerm(total, pixels * classes if variant == "released" else pixels)
    return LossTerm(_one_against_rest(logits_BKHW, labels_BHW, gamma, alpha), pixels * classes)


def focal_nats(logits_BKHW: Tensor, labels_BHW: Tensor, gamma: float) -> Tensor:
    """(B,H,W): -(1 - p)^gamma log p of the labels, 0 at void pixels."""
    nats_BHW = F.cross_entropy(logits_BKHW, labels_BHW, ignore_index=VOID, reduction="none")
    if gamma == 0:
        return nats_BHW
    return (-torch.expm1(-nats_BHW)).clamp(min=_LEAST).pow(gamma) * nats_BHW


@torch.no_grad()
def _gradient_of_pairs(
    logits_BKHW: Tensor, labels_BHW: Tensor, gamma: float, alpha: float
) -> tuple[Tensor, Tensor]:
    """The sum and its derivative. With s the logit, negative where the class is not true, and
    p = sigmoid(s), the derivative by s is (1 - p)^gamma (gamma p log p + p - 1)."""
    gradient_BKHW = torch.empty_like(logits_BKHW)
    total = logits_BKHW.new_zeros((), dtype=torch.float64)
    for image, band in bands(logits_BKHW):
        logits, labels = logits_BKHW[image, :, band], labels_BHW[image, band]
        true = one_hot(labels, logits.shape[1])
        signed = torch.where(true, logits, -logits)
        log_p, rest = F.logsigmoid(signed), torch.sigmoid(-signed)
        weight = rest.clamp(min=_LEAST).pow(gamma) * (labels != VOID).unsqueeze(1)
        if alpha:
            weight *= torch.where(true, alpha, 1 - alpha)
        total -= (weight * log_p).sum(dtype=torch.float64)
        slope = weight * (gamma * (1 - rest) * log_p - rest)
        gradient_BKHW[image, :, band] = torch.where(true, slope, -slope)
    return total.to(logits_BKHW.dtype), gradient_BKHW


def _one_against_rest(
    logits_BKHW: Tensor, labels_BHW: Tensor, gamma: float, alpha: float
) -> Tensor:
    given = _gradient_of_pairs(logits_BKHW, labels_BHW, gamma, alpha)
    return with_known_gradient(logits_BKHW, *given)
