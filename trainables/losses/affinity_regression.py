"""Affinity Regression (Cao, arXiv 2103.04990): do two places of an image have the same label?

Shape letters: B images, K classes, H rows, W columns, L places (12x12 and 6x6: 180).
"""

from typing import Literal

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.geometry.pooling import cell_means
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.term import LossTerm, of_no_image

SIZES = (12, 6)

Kernel = Literal["square_root", "dot_product"]
Sampling = Literal["nearest", "average"]


def affinity_regression(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    kernel: Kernel = "square_root",
    sampling: Sampling = "nearest",
) -> LossTerm:
    """Squared error between predicted and true affinity of all pairs of places.

    Labels are sampled at 12x12 and at 6x6 places (nearest), 180 in all; the true affinity of two
    places is 1 if their labels are equal, else 0. The predicted affinity is the inner product of
    the square roots of their class probabilities, which is 1 exactly if these are equal (Eq. 8 to
    10). The paper argues against the "dot_product" of the probabilities themselves, which is below
    1 even for equal distributions. The paper gives the loss a weight of 0.1.

    "The down-sampling location is aligned with label operations": scores are sampled at the same
    nearest pixels as labels; "average" takes the mean of each cell's valid pixels instead. The
    softmax comes after. Square roots are computed as exp(log p / 2), whose derivative is bounded.
    Pairs with a void end are left out.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.

    Returns:
        The sum over pairs, and their number: together the mean squared error.
    """
    check_inputs(logits_BKHW, labels_BHW)
    if labels_BHW.numel() == 0:  # it has no places
        return of_no_image(full_precision(logits_BKHW))
    predicted_BLL, true_BLL, kept_BLL = _affinities(logits_BKHW, labels_BHW, kernel, sampling)
    error_BLL = (predicted_BLL - true_BLL).square() * kept_BLL
    return LossTerm(error_BLL.sum(), kept_BLL.sum())


def affinities(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    kernel: Kernel = "square_root",
    sampling: Sampling = "nearest",
) -> tuple[Tensor, Tensor, Tensor]:
    """(B,L,L) each: predicted and true affinity of all pairs of places, and whether both are valid.

    The first 144 places are those of 12x12, row by row, the last 36 those of 6x6.
    """
    check_inputs(logits_BKHW, labels_BHW)
    return _affinities(logits_BKHW, labels_BHW, kernel, sampling)


def _affinities(
    logits_BKHW: Tensor, labels_BHW: Tensor, kernel: Kernel, sampling: Sampling
) -> tuple[Tensor, Tensor, Tensor]:
    _, rows, columns = labels_BHW.shape
    place_L = _places(rows, columns, logits_BKHW.device)
    labels_BL = labels_BHW.flatten(1)[:, place_L]
    power = 0.5 if kernel == "square_root" else 1.0
    # Under autocast the matrix product would run in half precision.
    with torch.autocast(logits_BKHW.device.type, enabled=False):
        if sampling == "nearest":
            scores_BKL = logits_BKHW[:, :, place_L // columns, place_L % columns]
        else:
            scores_BKL = _cell_means(logits_BKHW, labels_BHW)
        root_BKL = (full_precision(scores_BKL).log_softmax(dim=1) * power).exp()
        predicted_BLL = root_BKL.transpose(1, 2) @ root_BKL
    true_BLL = (labels_BL.unsqueeze(1) == labels_BL.unsqueeze(2)).to(predicted_BLL.dtype)
    valid_BL = labels_BL != VOID
    kept_BLL = valid_BL.unsqueeze(1) & valid_BL.unsqueeze(2)
    return predicted_BLL, true_BLL, kept_BLL


def _places(rows: int, columns: int, device: torch.device) -> Tensor:
    """(L,): indices of the places in a flat image: each cell's first pixel, as in "nearest"."""
    places = []
    for size in SIZES:
        place_S = torch.arange(size, device=device)
        row_S1 = (place_S * rows // size).unsqueeze(1)
        places.append((row_S1 * columns + place_S * columns // size).flatten())
    return torch.cat(places)


def _cell_means(logits_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """(B,K,L): the mean of each cell's valid scores, 0 in a cell without any."""
    logits_BKHW = full_precision(logits_BKHW)
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1).to(logits_BKHW.dtype)
    means = []
    for size in SIZES:
        sum_BKL = cell_means(logits_BKHW * valid_B1HW, (size, size)).flatten(2)
        share_B1L = cell_means(valid_B1HW, (size, size)).flatten(2)
        means.append(sum_BKL / torch.where(share_B1L > 0, share_B1L, 1.0))
    return torch.cat(means, dim=2)
