"""Divergence between the class distributions of adjacent pixels.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
from torch import Tensor


def neighbour_divergence(logits_BKHW: Tensor) -> tuple[Tensor, Tensor]:
    """(B,H,W) twice, nats: KL(P_i, P_j) for j the pixel below i, and the one to its right.

    Zero where there is no such pixel. Has no gradient: one image at a time, so that the
    intermediate maps stay small.
    """
    shape = (logits_BKHW.shape[0], *logits_BKHW.shape[2:])
    below_BHW, right_BHW = logits_BKHW.new_zeros(shape), logits_BKHW.new_zeros(shape)
    for image, logits_KHW in enumerate(logits_BKHW.detach()):
        log_prob_KHW = logits_KHW.log_softmax(dim=0)
        prob_KHW = log_prob_KHW.exp()
        own_HW = (prob_KHW * log_prob_KHW).sum(dim=0)
        cross_HW = (prob_KHW[:, :-1] * log_prob_KHW[:, 1:]).sum(dim=0)
        torch.sub(own_HW[:-1], cross_HW, out=below_BHW[image, :-1])
        cross_HW = (prob_KHW[..., :-1] * log_prob_KHW[..., 1:]).sum(dim=0)
        torch.sub(own_HW[:, :-1], cross_HW, out=right_BHW[image, :, :-1])
    return below_BHW, right_BHW
