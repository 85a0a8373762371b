"""Pixel-wise cross-entropy. Shape letters: B images, K classes, H rows, W columns."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.term import LossTerm, of_no_image

_CONFIDENT = 0.8


def cross_entropy(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    label_smoothing: float = 0.0,
    variant: Variant = "paper",
) -> LossTerm:
    """Sum over valid pixels of -log p(label), in nats, and their number.

    ``L_xe`` of InverseForm, Eq. 6; PPCE of SEMEDA, Eq. 3. With label smoothing s the target is
    1 - s, and s / (K - 1) for each other class; "released" (the code from which ABL takes it) gives
    s / K to each other class, so its target does not sum to one.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        label_smoothing: s, in [0, 1).
    """
    check_inputs(logits_BKHW, labels_BHW)
    require(0 <= label_smoothing < 1, "label_smoothing", "in [0, 1)", label_smoothing)
    logits_BKHW = full_precision(logits_BKHW)
    if label_smoothing == 0:
        total = _summed(logits_BKHW, labels_BHW)
    else:
        num_classes = logits_BKHW.shape[1]
        others = num_classes if variant == "released" else max(num_classes - 1, 1)
        smooth = label_smoothing / others
        total = _smoothed(logits_BKHW, labels_BHW, 1 - label_smoothing, smooth)
    return LossTerm(total, (labels_BHW != VOID).sum())


def _summed(logits_BKHW: Tensor, labels_BHW: Tensor, weights_K: Tensor | None = None) -> Tensor:
    given = logits_BKHW, labels_BHW, weights_K
    return F.cross_entropy(*given, ignore_index=VOID, reduction=_reduction()).sum()


def _reduction() -> str:
    """torch's own sum over pixels has no deterministic form on a GPU; a map's sum has one."""
    return "none" if torch.are_deterministic_algorithms_enabled() else "sum"


def nats_per_image(logits_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """float64 (B): the cross-entropy of each image, summed over its valid pixels; to measure with.

    One image at a time, which takes the memory of one. Logits may be anything: those that are not
    finite give NaN.
    """
    pairs = zip(logits_BKHW.split(1), labels_BHW.split(1), strict=True)
    pixels = (F.cross_entropy(*pair, ignore_index=VOID, reduction="none") for pair in pairs)
    return torch.stack([nats_1HW.sum(dtype=torch.float64) for nats_1HW in pixels])


def _weight_of(labels_BHW: Tensor, weights_K: Tensor) -> Tensor:
    """(B,H,W): the weight of each pixel's label; zero for void pixels."""
    void_BHW = labels_BHW == VOID
    return weights_K[labels_BHW.masked_fill(void_BHW, 0)].masked_fill(void_BHW, 0.0)


def _smoothed(logits_BKHW: Tensor, labels_BHW: Tensor, hit: float, miss: float) -> Tensor:
    log_prob_BKHW = logits_BKHW.log_softmax(dim=1)
    own = F.nll_loss(log_prob_BKHW, labels_BHW, ignore_index=VOID, reduction=_reduction()).sum()
    all_BHW = log_prob_BKHW.sum(dim=1).masked_fill(labels_BHW == VOID, 0.0)
    return (hit - miss) * own - miss * all_BHW.sum()


def frequency_weights(labels_BHW: Tensor, num_classes: int, *, per_image: bool = True) -> Tensor:
    """(B,K): weights 2 - frequency of the classes that occur, 1 for the others.

    As in the released InverseForm, which counts over the batch (``per_image=False``: all rows are
    equal), and in GSCNN, where it comes from, which counts over each image.
    """
    images = labels_BHW.shape[0]
    flat_BP = labels_BHW.flatten(1)
    one = torch.ones((), device=labels_BHW.device)
    # Void is counted in a bin of its own, which the slice drops.
    size_BK = one.new_zeros(images, VOID + 1).scatter_add_(1, flat_BP, one.expand_as(flat_BP))
    size_BK = size_BK[:, :num_classes]
    if not per_image:
        size_BK = size_BK.sum(dim=0, keepdim=True).expand(images, -1)
    frequency_BK = size_BK / size_BK.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.where(size_BK > 0, 2 - frequency_BK, 1.0)


def balanced_cross_entropy(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    variant: Variant = "paper",
) -> LossTerm:
    """Cross-entropy weighted by ``frequency_weights``: the weighted mean of each image.

    "paper" weighs each image by its own frequencies, as in GSCNN, and averages over the images with
    a valid pixel, so that it does not matter which rank an image is on. "released" (the InverseForm
    code) takes the frequencies of the batch, and *sums* over images: its count is one.
    """
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    if len(labels_BHW) == 0:
        return of_no_image(logits_BKHW)
    per_image = variant == "paper"
    weights_BK = frequency_weights(labels_BHW, logits_BKHW.shape[1], per_image=per_image)
    weights_BK = weights_BK.to(logits_BKHW.dtype)
    total = logits_BKHW.new_zeros(())
    # F.cross_entropy takes one weight vector a call, and each image has its own.
    for logits_KHW, labels_HW, weights_K in zip(logits_BKHW, labels_BHW, weights_BK, strict=True):
        image = _summed(logits_KHW.unsqueeze(0), labels_HW.unsqueeze(0), weights_K)
        total = total + image / _weight_of(labels_HW, weights_K).sum().clamp(min=1)
    has_valid_B = (labels_BHW != VOID).flatten(1).any(dim=1)
    return LossTerm(total, has_valid_B.sum() if per_image else torch.ones_like(total))


def edge_attention(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    boundary_logits_BHW: Tensor,
    *,
    confident_on: Literal["logit", "probability"] = "logit",
    variant: Variant = "paper",
) -> LossTerm:
    """``balanced_cross_entropy`` where the boundary head is confident (more than 0.8).

    A term of GSCNN (ICCV 2019, Sec. 3.2), whose threshold is of a probability; the released
    InverseForm, whose paper does not have it, compares the logit. "released" weighs and sums over
    the batch as InverseForm's code does; "paper" weighs and averages images, so that it does not
    matter which rank an image is on. (Where no pixel is confident, the released value is NaN; here
    it is 0.)
    """
    # In half precision, the threshold would be rounded to it.
    sure_BHW = full_precision(boundary_logits_BHW.detach())
    if confident_on == "probability":
        sure_BHW = sure_BHW.sigmoid()
    unsure_BHW = sure_BHW <= _CONFIDENT
    return balanced_cross_entropy(
        logits_BKHW, labels_BHW.masked_fill(unsure_BHW, VOID), variant=variant
    )
