"""The boundary difference over union loss (Sun, Luo and Li, MICCAI 2023).

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import Variant, four_neighbour_boundary, one_hot
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.class_sums import (
    ClassSums,
    from_class,
    loss_of_sums,
    mean_over_images,
    own_place,
)
from trainables.losses.term import LossTerm

_LARGEST_ALPHA = 0.8
_SMOOTH = 1e-5


def boundary_dou_loss(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
) -> LossTerm:
    """(Z + Y - 2 I) / (Z + Y - (1 + alpha) I) of each class (Eq. 3), Z = P^2, Y = G^2, I = P G.

    alpha = 1 - 2 C / S, within 0 to 0.8, with S pixels of the class, of which C are on its
    boundary: the larger a region is for its boundary, the less its inside counts. A pixel is on the
    boundary if one of its four neighbours has another label.

    "paper" takes each class of each image that has it, and averages over classes, then images; void
    and the outside make no boundary. "released" adds up the batch first, counts absent classes as
    a constant 1, takes void pixels into Z and into no class, lets void and the outside make
    boundary, and lets alpha be negative.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        classes: "foreground" leaves out class 0.

    Returns:
        The sum over images and their number; "released": over classes and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    first = first_class(classes)
    if variant == "released":
        return _released(full_precision(logits_BKHW), labels_BHW, first)
    edge_BK = _edge_pixels(labels_BHW, logits_BKHW.shape[1])

    def formula(sums: ClassSums) -> LossTerm:
        alpha_BK = 1 - 2 * edge_BK / sums.true_BK.clamp(min=1)
        kept_BK = from_class(first, sums.present_BK)
        loss_BK = _difference_over_union(sums, alpha_BK.clamp(0, _LARGEST_ALPHA), kept_BK)
        return mean_over_images(loss_BK, kept_BK)

    return loss_of_sums(logits_BKHW, labels_BHW, formula, squares=True)


def _difference_over_union(sums: ClassSums, alpha_BK: Tensor, kept_BK: Tensor) -> Tensor:
    size_BK = sums.square_BK + sums.true_BK
    union_BK = size_BK - (1 + alpha_BK) * sums.both_BK
    return (size_BK - 2 * sums.both_BK) / torch.where(kept_BK, union_BK, 1)


def _edge_pixels(labels_BHW: Tensor, classes: int) -> Tensor:
    """float64 (B,K): the pixels of each class that are on a boundary."""
    edge_BP = four_neighbour_boundary(labels_BHW).flatten(1).double()
    none_BK = edge_BP.new_zeros(len(labels_BHW), classes)
    return none_BK.scatter_add(1, own_place(labels_BHW).flatten(1), edge_BP)


def _released(logits_BKHW: Tensor, labels_BHW: Tensor, first: int) -> LossTerm:
    classes = logits_BKHW.shape[1]
    prob_BKHW = logits_BKHW.softmax(dim=1)
    true_BKHW = one_hot(labels_BHW, classes)
    edge_BHW = four_neighbour_boundary(labels_BHW, rim=True)
    edge_K = (true_BKHW & edge_BHW.unsqueeze(1)).sum(dim=(0, 2, 3))
    size_K = true_BKHW.sum(dim=(0, 2, 3))
    both_K = (prob_BKHW * true_BKHW).sum(dim=(0, 2, 3))
    square_K = prob_BKHW.square().sum(dim=(0, 2, 3))
    alpha_K = (1 - 2 * (edge_K + _SMOOTH) / (size_K + _SMOOTH)).clamp(max=_LARGEST_ALPHA)
    sizes_K = square_K + size_K + _SMOOTH
    loss_K = (sizes_K - 2 * both_K) / (sizes_K - (1 + alpha_K) * both_K)
    number = torch.full_like(loss_K[0], (classes - first) * (len(labels_BHW) > 0))
    return LossTerm(loss_K[first:].sum() * (number > 0), number)
