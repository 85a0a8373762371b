"""How well probabilities match outcomes: expected calibration error and Brier score.

Shape letters: B images, K classes, H rows, W columns, C counts, R lists of images.
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID

BINS = 15
"""Of confidence, as in Guo et al. (ICML 2017)."""
NUM_COUNTS = 3 * BINS + 3
_MILLIONTHS = 1e6


def calibration_counts(logits_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """int64 (B,C): what each image adds to ``ece`` and ``brier``; ranks add it exactly.

    By bin of confidence, the largest probability of a pixel: its pixels, those that are right, and
    the sum of confidence in millionths. Then the summed squared error of all probabilities, in
    millionths, the pixels whose prediction is not finite, and 1: the image has been counted. Void
    pixels are in none of them.
    """
    pairs = zip(logits_BKHW.split(1), labels_BHW.split(1), strict=True)
    rows = [_of_image(*pair) for pair in pairs]  # one at a time, which takes the memory of one
    return torch.cat(rows) if rows else labels_BHW.new_zeros((0, NUM_COUNTS))


def _of_image(logits_1KHW: Tensor, labels_1HW: Tensor) -> Tensor:
    prob_1KHW = logits_1KHW.float().softmax(dim=1)
    sure_1HW, predicted_1HW = prob_1KHW.max(dim=1)
    valid_1HW = labels_1HW != VOID
    finite_1HW = sure_1HW.isfinite()
    counted_1HW = valid_1HW & finite_1HW
    place_11HW = labels_1HW.masked_fill(~valid_1HW, 0).unsqueeze(1)
    own_1HW = prob_1KHW.gather(1, place_11HW).squeeze(1)
    error_1HW = prob_1KHW.square_().sum(dim=1) - 2 * own_1HW + 1
    error = torch.where(counted_1HW, error_1HW, 0).sum(dtype=torch.float64)
    sure_1HW = torch.where(counted_1HW, sure_1HW, 0)
    # A value on a border is in the lower bin; what does not count is in one beyond the last.
    bin_1HW = (sure_1HW * BINS).ceil().long().sub_(1).clamp_(0, BINS - 1)
    bin_P = bin_1HW.masked_fill(~counted_1HW, BINS).flatten()
    none_N = torch.zeros(BINS + 1, dtype=torch.float64, device=bin_P.device)
    right_1HW = counted_1HW & (predicted_1HW == labels_1HW)
    summed = [
        none_N.scatter_add(0, bin_P, each_1HW.flatten().double())[:BINS]
        for each_1HW in (counted_1HW, right_1HW, sure_1HW * _MILLIONTHS)
    ]
    unknown = (valid_1HW & ~finite_1HW).sum().double()
    rest = torch.stack([error.clamp(min=0) * _MILLIONTHS, unknown, torch.ones_like(error)])
    return torch.cat([*summed, rest]).round().long().unsqueeze(0)


def ece(counts_RC: Tensor) -> Tensor:
    """float64 (R): |accuracy - confidence| of each bin, weighed by its pixels (Eq. 3)."""
    pixels_RN, right_RN, sure_RN = (
        counts_RC[:, : 3 * BINS].double().unflatten(1, (3, BINS)).unbind(1)
    )
    gap_R = (right_RN - sure_RN / _MILLIONTHS).abs().sum(dim=1)
    return _known(gap_R / pixels_RN.sum(dim=1), counts_RC)


def brier(counts_RC: Tensor) -> Tensor:
    """float64 (R): the squared error of a pixel's probabilities, summed over classes, 0 to 2."""
    pixels_R = counts_RC[:, :BINS].double().sum(dim=1)
    return _known(counts_RC[:, -3].double() / _MILLIONTHS / pixels_R, counts_RC)


def _known(value_R: Tensor, counts_RC: Tensor) -> Tensor:
    """NaN where a prediction was not finite."""
    return value_R.masked_fill(counts_RC[:, -2] > 0, torch.nan)
