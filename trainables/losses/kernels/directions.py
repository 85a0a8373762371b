"""The eight neighbours of chosen pixels, and the divergences between their distributions.

Shape letters: B images, K classes, H rows, W columns, N chosen pixels, D = 8 directions.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant
from trainables.geometry.device import on_cpu
from trainables.geometry.first_derivative import anchor, first_derivative

DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (-1, 1), (1, 1), (-1, -1), (1, -1))
"""(down, right), in the paper's order (Eq. 2); of equal distances, the first counts."""


class Around(NamedTuple):
    """The chosen pixels and their neighbours, as indices into the flattened batch (B*H*W)."""

    centre_N: Tensor
    beside_DN: Tensor
    counts: list[int]
    """How many of the N pixels lie in each image; they are in the order of images."""
    chosen_N: Tensor | None
    """On a GPU, which of the N pixels are: the first of each image. None if all of them are."""
    usable_DN: Tensor
    """Whether a neighbour may be the target. If not, it is replaced by the nearest pixel of the
    image in "released", and by the chosen pixel itself in "paper"."""

    @classmethod
    def of(cls, chosen_BHW: Tensor, labels_BHW: Tensor, variant: Variant, most: int) -> "Around":
        """
        Args:
            most: no image has more chosen pixels than this. A GPU takes as many in each image, so
                that the host need not wait to learn their number.
        """
        _, rows, columns = labels_BHW.shape
        if on_cpu(chosen_BHW):
            centre_N = chosen_BHW.flatten().nonzero().squeeze(1)
            counts, chosen_N = chosen_BHW.flatten(1).sum(dim=1).tolist(), None
        else:
            centre_BN = chosen_first(chosen_BHW, most)
            centre_N, counts = centre_BN.flatten(), [centre_BN.shape[1]] * len(centre_BN)
            chosen_N = at(chosen_BHW, centre_N)
        row_N, column_N = centre_N // columns % rows, centre_N % columns
        wanted_row_DN = torch.stack([row_N + down for down, _ in DIRECTIONS])
        wanted_column_DN = torch.stack([column_N + right for _, right in DIRECTIONS])
        # A neighbour outside the image is clamped to its edge, and so differs from the wanted one.
        row_DN = wanted_row_DN.clamp(0, rows - 1)
        column_DN = wanted_column_DN.clamp(0, columns - 1)
        usable_DN = (row_DN == wanted_row_DN) & (column_DN == wanted_column_DN)
        beside_DN = row_DN.sub_(row_N).mul_(columns).add_(column_DN.sub_(column_N)).add_(centre_N)
        if variant == "paper":
            usable_DN &= at(labels_BHW, beside_DN) != VOID
            beside_DN = torch.where(usable_DN, beside_DN, centre_N)
        return cls(centre_N, beside_DN, counts, chosen_N, usable_DN)


def chosen_first(chosen_BHW: Tensor, most: int) -> Tensor:
    """(B,N) with N = ``most``, or H*W if that is less: different pixels of each image, as indices
    into the flattened batch: the chosen ones in order, then others, also in order."""
    chosen_BP = chosen_BHW.flatten(1)
    index_P = torch.arange(chosen_BP.shape[1], device=chosen_BP.device)
    found_BP = chosen_BP.cumsum(dim=1)
    place_BP = torch.where(chosen_BP, found_BP - 1, found_BP[:, -1:] + index_P - found_BP)
    order_BP = torch.empty_like(place_BP).scatter_(1, place_BP, index_P.expand_as(place_BP))
    start_B1 = torch.arange(len(chosen_BP), device=chosen_BP.device).unsqueeze(1) * len(index_P)
    return order_BP[:, :most] + start_B1


def at(map_BHW: Tensor, place: Tensor) -> Tensor:
    """The map at indices into the flattened batch; eight times as fast as ``map[index]``."""
    return map_BHW.flatten().index_select(0, place.flatten()).view_as(place)


def attached_logits(
    logits_BKHW: Tensor, log_sum_BHW: Tensor, around: Around, variant: Variant
) -> Tensor:
    """(D,N): divergence between each chosen pixel and its neighbours (Eq. 3)."""
    logits_BKP = logits_BKHW.flatten(2)
    size = logits_BKP.shape[2]
    centre_NK, beside_DNK = (
        logits_BKP[place // size, :, place % size].log_softmax(dim=-1)
        for place in (around.centre_N, around.beside_DN)
    )
    if variant == "released":
        return (beside_DNK.exp() * (beside_DNK - centre_NK)).sum(dim=2)
    return (centre_NK.exp() * (centre_NK - beside_DNK)).sum(dim=2)


def detached_logits(
    logits_BKHW: Tensor, log_sum_BHW: Tensor, around: Around, variant: Variant
) -> Tensor:
    """``attached_logits`` without a gradient to the neighbours, computed one image at a time."""
    origin = anchor(logits_BKHW)
    answer: Tensor = _Detached.apply(logits_BKHW, origin, log_sum_BHW, around, variant)
    return answer


class _Context(Protocol):
    saved_tensors: tuple[Tensor, ...]
    shape: torch.Size
    variant: Variant

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Detached(torch.autograd.Function):
    """KL(P, Q) = sum p log p - sum p log q, where P or Q is the neighbour's distribution."""

    @staticmethod
    def forward(
        ctx: _Context,
        logits_BKHW: Tensor,
        origin: Tensor,
        log_sum_BHW: Tensor,
        around: Around,
        variant: Variant,
    ) -> Tensor:
        size = log_sum_BHW[0].numel()
        log_sum_DN = at(log_sum_BHW, around.beside_DN).split(around.counts, dim=1)
        places = (index.split(around.counts, dim=-1) for index in around[:2])
        answers, kept = [], []
        for image, centre_N, beside_DN in zip(range(len(logits_BKHW)), *places, strict=True):
            logits_KP = logits_BKHW[image].flatten(1)
            centre_N = centre_N - image * size
            log_p_KN = logits_KP.index_select(1, centre_N).log_softmax(dim=0)
            # One gather for all 8 directions; the (K,D,N) copy is reused for the result.
            theirs_KX = logits_KP.index_select(1, (beside_DN - image * size).flatten())
            theirs_KDN = theirs_KX.view(len(theirs_KX), *beside_DN.shape).sub_(log_sum_DN[image])
            p_KN = log_p_KN.exp()
            if variant == "released":
                log_q_KDN, theirs_KDN = theirs_KDN, theirs_KDN.exp()
                own_DN, mine_KN = log_q_KDN.mul_(theirs_KDN).sum(dim=0), log_p_KN
            else:
                own_DN, mine_KN = (p_KN * log_p_KN).sum(dim=0), p_KN
            answers.append(own_DN - (theirs_KDN * mine_KN.unsqueeze(1)).sum(dim=0))
            kept += [centre_N, p_KN, log_p_KN, theirs_KDN]
        ctx.save_for_backward(origin, *kept)
        ctx.shape, ctx.variant = logits_BKHW.shape, variant
        return torch.cat(answers, dim=1)

    @staticmethod
    def backward(ctx: _Context, upstream_DN: Tensor) -> tuple[Tensor, None, None, None, None]:
        origin, *kept = ctx.saved_tensors
        with torch.no_grad():
            gradient_BKHW = _detached_gradient(kept, ctx.shape, ctx.variant, upstream_DN)
        gradient_BKHW = first_derivative(gradient_BKHW, origin, upstream_DN)
        return gradient_BKHW, None, None, None, None


def _detached_gradient(
    kept: list[Tensor], shape: torch.Size, variant: Variant, upstream_DN: Tensor
) -> Tensor:
    """(B,K,H,W): the derivative by the logits, from what the forward pass kept of each image."""
    images = list(zip(*(kept[i::4] for i in range(4)), strict=True))
    upstreams = upstream_DN.split([len(image[0]) for image in images], dim=1)
    # A pixel is chosen once, so scatter_ (and not scatter_add_) is enough below.
    gradient_BKHW = upstream_DN.new_zeros(shape)
    for gradient_KHW, image, slope_DN in zip(gradient_BKHW, images, upstreams, strict=True):
        centre_N, p_KN, log_p_KN, theirs_KDN = image
        slope_KN = (theirs_KDN * slope_DN).sum(dim=1).neg_()
        if variant == "paper":
            slope_KN.addcmul_(log_p_KN, slope_DN.sum(dim=0)).mul_(p_KN)
        # So far the derivative by log p, up to a term that cancels in the softmax.
        slope_KN -= p_KN * slope_KN.sum(dim=0)
        gradient_KHW.flatten(1).scatter_(1, centre_N.expand_as(slope_KN), slope_KN)
    return gradient_BKHW
