"""Affinity fields (Ke, Hwang, Liu and Yu, ECCV 2018): neighbours agree within a class, not across.

This is the paper's affinity field loss of one size; its adaptive form (AAF), which learns the
weights of sizes by gradient ascent, is not here.
Shape letters: B images, K classes, H rows, W columns.
"""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.neighbour_affinity import agreement, edge_pairs
from trainables.losses.kernels.row_bands import through_softmax
from trainables.losses.term import LossTerm, of_no_image

LEAST = 1e-4
"""Probabilities are clipped to this, and to 1 minus it."""


def affinity_field(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    distance: int = 1,
    margin: float = 3.0,
    variant: Variant = "paper",
) -> LossTerm:
    """Mean KL of equal neighbours plus the mean of max(0, margin - KL) of different ones (Eq. 3).

    KL(P_neighbour, P_centre) is that of one class against the rest, for each class and each of 8
    neighbours. A pair is different for the two classes that its ends have; equal for all others.
    "paper" adds both means of each image, and averages images; pairs with a void end, or one
    outside, are left out. "released" takes both means over the batch, and also drops a pair if the
    pixel opposite to the neighbour is void or outside.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        distance: of the neighbours, in pixels; 1, 2 or 3 in the paper.
        margin: in nats; 3 in the paper.

    Returns:
        The sum over images with a pair, in nats, and their number; "released": the loss and 1.
    """
    require(distance >= 1, "distance", ">= 1", distance)
    require(0 < margin < float("inf"), "margin", "a finite number > 0", margin)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    if labels_BHW.numel() == 0:
        return of_no_image(logits_BKHW)
    if variant == "released":
        return _released(logits_BKHW.softmax(dim=1), labels_BHW, distance, margin)
    with torch.no_grad():
        prob_BKHW = logits_BKHW.softmax(dim=1)
        clipped_BKHW = prob_BKHW.clamp(LEAST, 1 - LEAST)
        within = agreement(clipped_BKHW, labels_BHW, distance)
        across = edge_pairs(clipped_BKHW, labels_BHW, distance, margin)
        classes = logits_BKHW.shape[1]
        equal_B = (classes * within.pairs_B - across.entries_B).clamp(min=1)
        scale_B = equal_B.double().reciprocal().to(prob_BKHW.dtype).view(-1, 1, 1, 1)
        slope_BKHW = within.slope_BKHW.mul_(scale_B)
        across.add_slopes(slope_BKHW, scale_B)
        # Clipped probabilities do not move.
        slope_BKHW.masked_fill_(clipped_BKHW != prob_BKHW, 0)
        through_softmax(prob_BKHW, slope_BKHW)
        image_B = (within.value_B - across.equal_B) / equal_B
        image_B = image_B + across.different_B / across.entries_B.clamp(min=1)
        total = image_B.sum().to(prob_BKHW.dtype)
    return LossTerm(with_known_gradient(logits_BKHW, total, slope_BKHW), (within.pairs_B > 0).sum())


def _released(prob_BKHW: Tensor, labels_BHW: Tensor, distance: int, margin: float) -> LossTerm:
    rows, columns = labels_BHW.shape[1:]
    around = (distance, distance, distance, distance)
    padded_BKHW = F.pad(prob_BKHW, around)
    padded_BHW = F.pad(labels_BHW, around, value=VOID)
    classes = prob_BKHW.shape[1]
    true_BKHW = one_hot(labels_BHW, classes)

    def seen(map_: Tensor, down: int, right: int) -> Tensor:
        down, right = down + distance, right + distance
        return map_[..., down : down + rows, right : right + columns]

    sums = prob_BKHW.new_zeros(4)  # of different and of equal entries, and the numbers of both
    for down, right in product((-distance, 0, distance), repeat=2):
        if (down, right) == (0, 0):
            continue
        near_BHW, opposite_BHW = seen(padded_BHW, down, right), seen(padded_BHW, -down, -right)
        kept_BHW = (labels_BHW != VOID) & (near_BHW != VOID) & (opposite_BHW != VOID)
        differs_BKHW = (true_BKHW != one_hot(near_BHW, classes)) & kept_BHW.unsqueeze(1)
        equal_BKHW = kept_BHW.unsqueeze(1) & ~differs_BKHW
        kl_BKHW = _divergence(seen(padded_BKHW, down, right), prob_BKHW)
        different = (F.relu(margin - kl_BKHW) * differs_BKHW).sum()
        parts = different, (kl_BKHW * equal_BKHW).sum(), differs_BKHW.sum(), equal_BKHW.sum()
        sums = sums + torch.stack([part.to(sums.dtype) for part in parts])
    loss = (sums[:2] / sums[2:].clamp(min=1)).sum()
    return LossTerm(loss, torch.ones_like(loss))


def _divergence(near: Tensor, centre: Tensor) -> Tensor:
    """KL of one class against the rest, with both probabilities clipped from below."""
    kl = torch.zeros_like(centre)
    for p, q in ((near, centre), (1 - near, 1 - centre)):
        p, q = p.clamp(min=LEAST), q.clamp(min=LEAST)
        kl = kl + p * (p / q).log()
    return kl
