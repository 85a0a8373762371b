"""Divergence between the class distributions of adjacent pixels.

Shape letters: B images, K classes, H rows, W columns.
"""

from torch import Tensor

from trainables.losses.bands import bands


def neighbour_divergence(logits_BKHW: Tensor) -> tuple[Tensor, Tensor]:
    """(B,H,W) twice, nats: KL(P_i, P_j) for j the pixel below i, and the one to its right.

    Zero where there is no such pixel. Has no gradient.
    """
    images, _, rows, columns = logits_BKHW.shape
    below_BHW = logits_BKHW.new_zeros(images, rows, columns)
    right_BHW = logits_BKHW.new_zeros(images, rows, columns)
    for image, band in bands(logits_BKHW):
        last = min(band.stop, rows - 1)
        log_prob_BKHW = logits_BKHW.detach()[image, :, band.start : last + 1].log_softmax(dim=1)
        prob_BKHW = log_prob_BKHW.exp()
        own_BHW = (prob_BKHW * log_prob_BKHW).sum(dim=1)
        cross_BHW = (prob_BKHW[:, :, :-1] * log_prob_BKHW[:, :, 1:]).sum(dim=1)
        below_BHW[image, band.start : last] = own_BHW[:, :-1] - cross_BHW
        cross_BHW = (prob_BKHW[..., :-1] * log_prob_BKHW[..., 1:]).sum(dim=1)
        height = band.stop - band.start
        right_BHW[image, band, :-1] = (own_BHW[..., :-1] - cross_BHW)[:, :height]
    return below_BHW, right_BHW
