"""Kullback-Leibler divergence between the class distributions of adjacent pixels.

Shape letters: B images, K classes, H rows, W columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trainables.losses.kernels.row_bands import bands


class Divergence(NamedTuple):
    """Maps (B,H,W) in nats; none has a gradient."""

    below_BHW: Tensor
    """KL(P_i, P_j), where j is the pixel below i; zero in the last row."""

    right_BHW: Tensor
    """The same for the pixel to the right; zero in the last column."""

    log_sum_BHW: Tensor
    """Log of the sum of exp(logits): logits minus this are log-probabilities."""


def neighbour_divergence(logits_BKHW: Tensor) -> Divergence:
    """Divergence of each pixel's distribution from those of its two neighbours (ABL, Eq. 1)."""
    images, _, rows, columns = logits_BKHW.shape
    maps = Divergence(*(logits_BKHW.new_zeros(images, rows, columns) for _ in range(3)))
    for image, band in bands(logits_BKHW):
        last = min(band.stop, rows - 1)
        log_prob_BKHW = logits_BKHW.detach()[image, :, band.start : last + 1].log_softmax(dim=1)
        prob_BKHW = log_prob_BKHW.exp()
        # KL(p, q) = sum p log p - sum p log q; the first sum serves both neighbours.
        own_BHW = (prob_BKHW * log_prob_BKHW).sum(dim=1)
        cross_BHW = (prob_BKHW[:, :, :-1] * log_prob_BKHW[:, :, 1:]).sum(dim=1)
        maps.below_BHW[image, band.start : last] = own_BHW[:, :-1] - cross_BHW
        height = band.stop - band.start
        prob_BKHW, log_prob_BKHW = prob_BKHW[:, :, :height], log_prob_BKHW[:, :, :height]
        cross_BHW = (prob_BKHW[..., :-1] * log_prob_BKHW[..., 1:]).sum(dim=1)
        # The log sum from one class: the softmax has it, but does not return it.
        first_BHW = logits_BKHW.detach()[image, 0, band]
        torch.sub(first_BHW, log_prob_BKHW[:, 0], out=maps.log_sum_BHW[image, band])
        torch.sub(own_BHW[:, :height, :-1], cross_BHW, out=maps.right_BHW[image, band, :-1])
    return maps
