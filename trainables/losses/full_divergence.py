"""FKL, the divergence at every edge of the pixel grid (Active Boundary Loss paper, Eq. 7).

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm


def full_divergence(logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
    """Binary cross-entropy of sigmoid(KL(P_i, P_j)) against "the labels differ", over all edges.

    An edge connects a pixel i to j, the pixel below it or to its right (the two neighbours of
    Eq. 1, so each pair counts once); edges with a void end are left out. The gradient flows to both
    ends. A divergence is not negative, so an edge within a class costs at least ln 2.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.

    Returns:
        The sum over the edges, in nats, and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    with torch.no_grad():
        total, gradient_BKHW, count = _value_and_gradient(logits_BKHW, labels_BHW)
    return LossTerm(with_known_gradient(logits_BKHW, total, gradient_BKHW), count)


def _value_and_gradient(logits_BKHW: Tensor, labels_BHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One row band at a time, with the row below it, where the band's last edges end."""
    rows = logits_BKHW.shape[2]
    gradient_BKHW = torch.zeros_like(logits_BKHW)
    total = logits_BKHW.new_zeros(())
    count = torch.zeros((), dtype=torch.int64, device=logits_BKHW.device)
    for image, band in bands(logits_BKHW):
        # Edges from the band's last row end in the next one, so that row gets a gradient too.
        with_next = slice(band.start, min(band.stop + 1, rows))
        entropy, num_edges, band_BKHW = _one_band(
            logits_BKHW[image, :, with_next], labels_BHW[image, with_next], band.stop - band.start
        )
        gradient_BKHW[image, :, with_next] += band_BKHW
        total += entropy
        count += num_edges
    return total, gradient_BKHW, count


def _one_band(
    logits_BKHW: Tensor, labels_BHW: Tensor, height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The sum over the edges from the first ``height`` rows, their number, and the derivative.

    With s the derivative by KL(P_i, P_j), the logits of i get s p_i (log p_i - log p_j - KL) and
    those of j get s (p_j - p_i). The factors of p_i are summed first, over both edges of i.
    """
    log_prob_BKHW = logits_BKHW.log_softmax(dim=1)
    prob_BKHW = log_prob_BKHW.exp()
    own_BHW = (prob_BKHW * log_prob_BKHW).sum(dim=1)
    gradient_BKHW = torch.zeros_like(prob_BKHW)
    out_BHW, rest_BHW = torch.zeros_like(own_BHW), torch.zeros_like(own_BHW)
    total = own_BHW.new_zeros(())
    count = torch.zeros((), dtype=torch.int64, device=own_BHW.device)
    slopes = []
    for near, far in _ends(height):
        cross_BHW = (prob_BKHW[near] * log_prob_BKHW[far]).sum(dim=1)
        near_BHW, far_BHW = (near[0], *near[2:]), (far[0], *far[2:])
        divergence_BHW = own_BHW[near_BHW] - cross_BHW
        entropy_BHW, slope_BHW, kept_BHW = _edges(
            divergence_BHW, labels_BHW[near_BHW], labels_BHW[far_BHW]
        )
        total += entropy_BHW.sum()
        count += kept_BHW.sum()
        gradient_BKHW[near].addcmul_(log_prob_BKHW[far], slope_BHW.unsqueeze(1), value=-1)
        out_BHW[near_BHW] += slope_BHW
        rest_BHW[near_BHW] -= slope_BHW * divergence_BHW
        rest_BHW[far_BHW] += slope_BHW
        slopes.append(slope_BHW.unsqueeze(1))
    gradient_BKHW.addcmul_(log_prob_BKHW, out_BHW.unsqueeze(1)).add_(rest_BHW.unsqueeze(1))
    gradient_BKHW.mul_(prob_BKHW)
    for (near, far), slope_B1HW in zip(_ends(height), slopes, strict=True):
        gradient_BKHW[far].addcmul_(prob_BKHW[near], slope_B1HW, value=-1)
    return total, count, gradient_BKHW


def _edges(
    divergence_BHW: Tensor, near_labels_BHW: Tensor, far_labels_BHW: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy of each edge, its derivative by the divergence, and which edges are valid."""
    kept_BHW = (near_labels_BHW != VOID) & (far_labels_BHW != VOID)
    differs_BHW = (near_labels_BHW != far_labels_BHW).to(divergence_BHW.dtype)
    entropy_BHW = F.softplus(divergence_BHW) - divergence_BHW * differs_BHW
    slope_BHW = divergence_BHW.sigmoid() - differs_BHW
    return entropy_BHW.mul_(kept_BHW), slope_BHW.mul_(kept_BHW), kept_BHW


_Ends = tuple[tuple[slice, ...], tuple[slice, ...]]


def _ends(height: int) -> tuple[_Ends, _Ends]:
    """Slices (B,K,H,W) of i and of j, for downward and for rightward edges."""
    every, own = slice(None), slice(None, height)
    down = ((every, every, slice(None, -1), every), (every, every, slice(1, None), every))
    right = ((every, every, own, slice(None, -1)), (every, every, own, slice(1, None)))
    return down, right
