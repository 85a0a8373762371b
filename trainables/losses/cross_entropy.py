"""Pixel-wise cross-entropy. Shape letters: B images, K classes, H rows, W columns."""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.term import LossTerm, of_no_image

_CONFIDENT = 0.8


def cross_entropy(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    class_weights_K: Tensor | None = None,
    label_smoothing: float = 0.0,
    variant: Variant = "paper",
) -> LossTerm:
    """Sum over valid pixels of w(label) * -log p(label), in nats; the count is the sum of w.

    ``L_xe`` of InverseForm, Eq. 6; PPCE of SEMEDA, Eq. 3. Without weights the count is the number
    of valid pixels. With label smoothing s the target is 1 - s, and s / (K - 1) for each other
    class; "released" (the code that ABL takes it from) gives s / K to each other class, which does
    not sum to one.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        class_weights_K: one finite weight >= 0 a class.
        label_smoothing: s, in [0, 1).
    """
    check_inputs(logits_BKHW, labels_BHW)
    num_classes = logits_BKHW.shape[1]
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
    if class_weights_K is not None and tuple(class_weights_K.shape) != (num_classes,):
        raise ValueError(
            f"class_weights_K must be of shape ({num_classes},), got {tuple(class_weights_K.shape)}"
        )
    if class_weights_K is not None and class_weights_K.device.type == "cpu":
        _check_weights(class_weights_K)
    logits_BKHW = full_precision(logits_BKHW)
    if class_weights_K is None:
        count = (labels_BHW != VOID).sum()
    else:
        class_weights_K = class_weights_K.to(logits_BKHW.dtype)
        count = _weight_of(labels_BHW, class_weights_K).sum()
    if label_smoothing == 0:
        total = _summed(logits_BKHW, labels_BHW, class_weights_K)
    else:
        others = num_classes if variant == "released" else max(num_classes - 1, 1)
        smooth = label_smoothing / others
        total = _smoothed(logits_BKHW, labels_BHW, class_weights_K, 1 - label_smoothing, smooth)
    return LossTerm(total, count)


def _check_weights(class_weights_K: Tensor) -> None:
    wrong_K = ~(class_weights_K.isfinite() & (class_weights_K >= 0))
    if wrong_K.any():
        value = class_weights_K[wrong_K][0].item()
        raise ValueError(f"class_weights_K must be finite and >= 0, got {value}")


def _summed(logits_BKHW: Tensor, labels_BHW: Tensor, class_weights_K: Tensor | None) -> Tensor:
    return F.cross_entropy(
        logits_BKHW, labels_BHW, class_weights_K, ignore_index=VOID, reduction="sum"
    )


def _weight_of(labels_BHW: Tensor, class_weights_K: Tensor) -> Tensor:
    """(B,H,W): the weight of each pixel's label; a void pixel has none."""
    void_BHW = labels_BHW == VOID
    return class_weights_K[labels_BHW.masked_fill(void_BHW, 0)].masked_fill(void_BHW, 0.0)


def _smoothed(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    class_weights_K: Tensor | None,
    hit: float,
    miss: float,
) -> Tensor:
    if class_weights_K is None:
        class_weights_K = logits_BKHW.new_ones(logits_BKHW.shape[1])
    log_prob_BKHW = logits_BKHW.log_softmax(dim=1)
    sure = F.nll_loss(
        log_prob_BKHW, labels_BHW, class_weights_K, ignore_index=VOID, reduction="sum"
    )
    all_BHW = log_prob_BKHW.sum(dim=1) * _weight_of(labels_BHW, class_weights_K)
    return (hit - miss) * sure - miss * all_BHW.sum()


def frequency_weights(labels_BHW: Tensor, num_classes: int, *, per_image: bool = True) -> Tensor:
    """(B,K): weights 2 - frequency of the classes that occur, 1 for the others.

    The released InverseForm's, there counted over the batch (``per_image=False``: every row is the
    same), and GSCNN's, from which it was taken, counted over each image.
    """
    images = labels_BHW.shape[0]
    flat_BP = labels_BHW.flatten(1)
    one = torch.ones((), device=labels_BHW.device)
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
    """Cross-entropy under ``frequency_weights``: the weighted mean of each image.

    "paper" weighs each image by its own frequencies (GSCNN's reading), and averages over the images
    that have a valid pixel, so that it does not matter which rank an image is on. "released" (the
    InverseForm code) takes the batch's frequencies, and *sums* over images: its count is one.
    """
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    if len(labels_BHW) == 0:
        return of_no_image(logits_BKHW)
    per_image = variant == "paper"
    weights_BK = frequency_weights(labels_BHW, logits_BKHW.shape[1], per_image=per_image)
    weights_BK = weights_BK.to(logits_BKHW.dtype)
    total = logits_BKHW.new_zeros(())
    for logits_KHW, labels_HW, weights_K in zip(logits_BKHW, labels_BHW, weights_BK, strict=True):
        image = _summed(logits_KHW.unsqueeze(0), labels_HW.unsqueeze(0), weights_K)
        total = total + image / _weight_of(labels_HW, weights_K).sum().clamp(min=1)
    has_valid_B = (labels_BHW != VOID).flatten(1).any(dim=1)
    return LossTerm(total, has_valid_B.sum() if per_image else torch.ones_like(total))


def edge_attention(
    logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
) -> LossTerm:
    """``balanced_cross_entropy`` where the boundary head is confident (logit > 0.8).

    The fourth term of the released InverseForm, which the paper does not have; released reading.
    (Where no pixel passes, the released value is NaN; here it is 0.)
    """
    unsure_BHW = boundary_logits_BHW.detach() <= _CONFIDENT
    return balanced_cross_entropy(
        logits_BKHW, labels_BHW.masked_fill(unsure_BHW, VOID), variant="released"
    )
