"""The eight neighbours of chosen pixels, and how far their class distributions are from these.

Shape letters: B images, K classes, H rows, W columns, N chosen pixels, D = 8 directions.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID

Variant = Literal["paper", "released"]

DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (-1, 1), (1, 1), (-1, -1), (1, -1))
"""(down, right), in the paper's order (Eq. 2); of equal distances the first wins."""


class Around(NamedTuple):
    """The chosen pixels and their neighbours, as indices of image, row and column."""

    centre: tuple[Tensor, Tensor, Tensor]
    """(N,) each."""
    beside: tuple[Tensor, Tensor, Tensor]
    """(N,D) each; those of the image are (N,1)."""
    counts: list[int]
    """How many of N belong to each image; they come image by image."""
    usable_ND: Tensor
    """Whether a neighbour may be the target. Where not, the nearest pixel of the image stands for
    it in "released", and the pixel itself in "paper"."""

    @classmethod
    def of(cls, chosen_BHW: Tensor, labels_BHW: Tensor, variant: Variant) -> "Around":
        _, rows, columns = labels_BHW.shape
        image_N, row_N, column_N = chosen_BHW.nonzero(as_tuple=True)
        image_N1, row_N1, column_N1 = (index.unsqueeze(1) for index in (image_N, row_N, column_N))
        wanted_row_ND = torch.stack([row_N + down for down, _ in DIRECTIONS], dim=1)
        wanted_column_ND = torch.stack([column_N + right for _, right in DIRECTIONS], dim=1)
        row_ND = wanted_row_ND.clamp(0, rows - 1)
        column_ND = wanted_column_ND.clamp(0, columns - 1)
        usable_ND = (row_ND == wanted_row_ND) & (column_ND == wanted_column_ND)
        if variant == "paper":
            usable_ND &= labels_BHW[image_N1, row_ND, column_ND] != VOID
            row_ND = torch.where(usable_ND, row_ND, row_N1)
            column_ND = torch.where(usable_ND, column_ND, column_N1)
        counts = chosen_BHW.flatten(1).sum(dim=1).tolist()
        beside = (image_N1, row_ND, column_ND)
        return cls((image_N, row_N, column_N), beside, counts, usable_ND)


def _picked(logits_BKHW: Tensor, place: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """(N,K) or (N,D,K): the logits of some pixels."""
    image, row, column = place
    return logits_BKHW[image, :, row, column]


def attached_logits(
    logits_BKHW: Tensor, log_sum_BHW: Tensor, around: Around, variant: Variant
) -> Tensor:
    """(N,D): divergence between each chosen pixel and its neighbours (Eq. 3)."""
    centre_N1K = _picked(logits_BKHW, around.centre).log_softmax(dim=1).unsqueeze(1)
    beside_NDK = _picked(logits_BKHW, around.beside).log_softmax(dim=2)
    if variant == "released":
        return (beside_NDK.exp() * (beside_NDK - centre_N1K)).sum(dim=2)
    return (centre_N1K.exp() * (centre_N1K - beside_NDK)).sum(dim=2)


def detached_logits(
    logits_BKHW: Tensor, log_sum_BHW: Tensor, around: Around, variant: Variant
) -> Tensor:
    """The same without a gradient to the neighbours: image by image, class by class.

    KL(P, Q) is the sum of p log p less the sum of p log q.
    """
    columns = logits_BKHW.shape[3]
    centre_NK = _picked(logits_BKHW, around.centre).log_softmax(dim=1)
    log_sum_ND = log_sum_BHW[around.beside]
    places = [index.split(around.counts) for index in around.beside[1:]]
    images = zip(logits_BKHW.detach(), *places, log_sum_ND.split(around.counts), strict=True)
    answers = []
    for centre, image in zip(centre_NK.split(around.counts), images, strict=True):
        logits_KHW, row_ND, column_ND, sum_ND = image
        flat = (row_ND * columns + column_ND).flatten()
        beside_KND = (
            logits_KHW.flatten(1).index_select(1, flat).view(len(logits_KHW), *row_ND.shape)
        )
        centre_KN1 = centre.T.unsqueeze(2)
        if variant == "released":
            log_prob_KND = beside_KND.sub_(sum_ND)
            prob_KND = log_prob_KND.exp()
            own_ND = (prob_KND * log_prob_KND).sum(dim=0)
            answers.append(own_ND - (prob_KND * centre_KN1).sum(dim=0))
        else:
            prob_KN1 = centre_KN1.exp()
            own_N1 = (prob_KN1 * centre_KN1).sum(dim=0)
            answers.append(own_N1 - ((prob_KN1 * beside_KND).sum(dim=0) - sum_ND))
    return torch.cat(answers)
