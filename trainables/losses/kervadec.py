"""The boundary loss of Kervadec et al. (MIDL 2019), for any number of classes.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, Variant
from trainables.geometry.signed_distance import signed_distance
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm


def boundary_loss(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
    truncate: bool = False,
) -> LossTerm:
    """Mean of probability times signed distance, in pixels; a good prediction is negative (Eq. 5).

    The paper's loss has one foreground class; its extension sums over classes, each with its own
    map (``signed_distance`` documents how "paper" and "released" maps differ). The count is the
    number of (class, valid pixel) pairs, so an image counts alike on any rank. The released code
    has no void label; void pixels have no weight in either variant.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        classes: "foreground" leaves out class 0, as the paper's binary case does.
        truncate: round the maps toward zero, as the released data loader does.
    """
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    with torch.no_grad():
        num_classes = logits_BKHW.shape[1]
        phi_BKHW = signed_distance(labels_BHW, num_classes, variant=variant, truncate=truncate)
        slope_BKHW = phi_BKHW.to(logits_BKHW.dtype)
        first = first_class(classes)
        valid_BHW = labels_BHW != VOID
        total = _value_and_gradient(logits_BKHW, slope_BKHW, valid_BHW, first)
    count = valid_BHW.sum() * (num_classes - first)
    return LossTerm(with_known_gradient(logits_BKHW, total, slope_BKHW), count)


def _value_and_gradient(
    logits_BKHW: Tensor, slope_BKHW: Tensor, valid_BHW: Tensor, first: int
) -> Tensor:
    """The sum of p phi; writes its derivative p_k (phi_k - sum p phi) over phi, in ``slope``."""
    slope_BKHW[:, :first] = 0
    total = logits_BKHW.new_zeros(())
    for image, band in bands(logits_BKHW):
        prob_BKHW = logits_BKHW[image, :, band].softmax(dim=1)
        prob_BKHW *= valid_BHW[image, band].unsqueeze(1)
        band_BKHW = slope_BKHW[image, :, band]
        mean_BHW = (prob_BKHW * band_BKHW).sum(dim=1)
        total += mean_BHW.sum()
        band_BKHW.sub_(mean_BHW.unsqueeze(1)).mul_(prob_BKHW)
    return total
