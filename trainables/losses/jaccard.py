"""The Jaccard metric loss (Wang, Ning and Blaschko, NeurIPS 2023): soft IoU for soft labels, too.

Shape letters: B images, K classes, H rows, W columns.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.class_sums import from_class, loss_of_sums, mean_over_images
from trainables.losses.overlap import kept_positive
from trainables.losses.term import LossTerm

Average = Literal["image", "class", "dataset"]
"""Over classes within images (mIoU^I), over images within classes (mIoU^C), of sums over all images
(mIoU^D)."""

_SMOOTH = 1e-3


def jaccard_metric_loss(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    average: Average = "image",
    label_smoothing: float = 0.0,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
    smooth: float = _SMOOTH,
) -> LossTerm:
    """1 - soft IoU that is right for soft labels, too (Wang et al., NeurIPS 2023, JML Eq. 7).

    The intersection is (|p| + |y| - |p - y|) / 2 by L1 norms. The averages over present classes are
    those of fine-grained mIoU (Wang et al., NeurIPS 2023 Datasets): "image" adds up over ranks;
    "class" and "dataset", as in the released code, depend on the batch. "released" adds ``smooth``
    to both sums.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        label_smoothing: s in [0, 1): y is 1 - s + s / K for the label and s / K for other classes.

    Returns:
        For "image", the sum over images and their number; else over classes and their number.
    """
    require(0 <= label_smoothing < 1, "label_smoothing", "in [0, 1)", label_smoothing)
    check_inputs(logits_BKHW, labels_BHW)
    first, added = first_class(classes), smooth if variant == "released" else 0.0
    finish = partial(averaged, average=average, first=first, added=added)
    if label_smoothing == 0:
        return loss_of_sums(
            logits_BKHW,
            labels_BHW,
            lambda sums: finish(
                sums.both_BK, sums.wrong_BK, sums.missed_BK, present_BK=sums.present_BK
            ),
        )
    logits_BKHW = full_precision(logits_BKHW)
    true_BKHW = one_hot(labels_BHW, logits_BKHW.shape[1])
    valid_BHW = labels_BHW != VOID
    others = label_smoothing / logits_BKHW.shape[1]
    soft_BKHW = true_BKHW.to(logits_BKHW.dtype) * (1 - label_smoothing) + others
    parts = soft_overlap(logits_BKHW, soft_BKHW, valid_BHW)
    return finish(*parts, present_BK=true_BKHW.any(dim=(2, 3)))


def soft_overlap(
    logits_BKHW: Tensor, soft_BKHW: Tensor, valid_BHW: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(B,K) each: the intersection min(p, y), p without it and y without it, summed over pixels."""
    prob_BKHW = full_precision(logits_BKHW).softmax(dim=1)
    both_BKHW = torch.minimum(prob_BKHW, soft_BKHW.to(prob_BKHW.dtype))
    both_BK, predicted_BK, true_BK = (
        (map_BKHW * valid_BHW.unsqueeze(1)).sum(dim=(2, 3))
        for map_BKHW in (both_BKHW, prob_BKHW, soft_BKHW)
    )
    return both_BK, predicted_BK - both_BK, true_BK - both_BK


def averaged(
    both_BK: Tensor,
    wrong_BK: Tensor,
    missed_BK: Tensor,
    *,
    present_BK: Tensor,
    average: Average,
    first: int,
    added: float,
) -> LossTerm:
    """1 - soft IoU, averaged over what is present.

    Args:
        both_BK, wrong_BK, missed_BK: as ``soft_overlap`` returns them.
        present_BK: bool, the classes that count in an image.
        average: as in ``jaccard_metric_loss``.
        first: the first class that counts.
        added: to the union.
    """
    present_BK = from_class(first, present_BK)
    if average == "dataset":
        both_BK, wrong_BK, missed_BK = (
            (sum_BK * present_BK.any(dim=0)).sum(dim=0, keepdim=True)
            for sum_BK in (both_BK, wrong_BK, missed_BK)
        )
        present_BK = present_BK.any(dim=0, keepdim=True)
    error_BK = wrong_BK + missed_BK
    loss_BK = error_BK / kept_positive(both_BK + error_BK + added)
    if average == "image":
        return mean_over_images(loss_BK, present_BK)
    return _mean_over_classes(loss_BK, present_BK)


def _mean_over_classes(loss_BK: Tensor, present_BK: Tensor) -> LossTerm:
    """The sum over classes of each one's mean over its images, and the number of classes."""
    images_K = present_BK.sum(dim=0)
    class_K = torch.where(present_BK, loss_BK, 0).sum(dim=0) / images_K.clamp(min=1)
    return LossTerm(class_K.sum(), (images_K > 0).sum())
