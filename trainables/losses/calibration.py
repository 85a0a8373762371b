"""Average calibration error as a loss (mL1-ACE, Barfoot et al., MICCAI 2024, arXiv 2506.03942).

Shape letters: B images, K classes, H rows, W columns, N bins.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.class_sums import from_class, mean_over_images
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands, through_softmax
from trainables.losses.term import LossTerm

Binning = Literal["hard", "soft"]
_LEAST_SOFT = 0.01
"""Weight below which a bin of the soft form is empty."""


class _Bins(NamedTuple):
    """(B,K,N) each: a bin's pixels (or weight), their summed probability, those of the class."""

    count_BKN: Tensor
    confidence_BKN: Tensor
    true_BKN: Tensor


def l1_ace(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    bins: int = 20,
    binning: Binning = "hard",
    classes: RegionClasses = "all",
    variant: Variant = "paper",
) -> LossTerm:
    """The mean over bins of |mean confidence - accuracy|, of each class in each image that has it.

    Bins are equal parts of [0, 1], and empty ones do not count. "hard" puts a probability into one
    bin, so the gradient flows through the mean confidence alone; "soft" shares it between the two
    nearest centres. "paper" averages over the classes of an image, then over images; "released"
    counts absent classes as zeros.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255; void pixels are in no bin.
        bins: >= 2.
        classes: "foreground" leaves out class 0.

    Returns:
        The sum over images, each in [0, 1], and their number.
    """
    require(bins >= 2, "bins", ">= 2", bins)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW, first = full_precision(logits_BKHW), first_class(classes)
    with torch.no_grad():
        prob_BKHW = logits_BKHW.softmax(dim=1)
        found = _fill(prob_BKHW, labels_BHW, bins, binning)
    with torch.enable_grad():
        leaves = _Bins(*(table.detach().requires_grad_() for table in found))
        term = _mean_gap(leaves, first, binning, variant)
        slopes = torch.autograd.grad(term.total, leaves, materialize_grads=True)
    with torch.no_grad():
        slope_BKHW = _spread(prob_BKHW, labels_BHW, _Bins(*slopes), bins, binning)
        through_softmax(prob_BKHW, slope_BKHW)
        total = term.total.detach().to(prob_BKHW.dtype)
    return LossTerm(with_known_gradient(logits_BKHW, total, slope_BKHW), term.count)


def _mean_gap(tables: _Bins, first: int, binning: Binning, variant: Variant) -> LossTerm:
    filled_BKN = tables.count_BKN > (0 if binning == "hard" else _LEAST_SOFT)
    size_BKN = torch.where(filled_BKN, tables.count_BKN, 1)
    gap_BKN = (tables.confidence_BKN / size_BKN - tables.true_BKN / size_BKN).abs()
    number_BK = filled_BKN.sum(dim=2).clamp(min=1)
    loss_BK = torch.where(filled_BKN, gap_BKN, 0).sum(dim=2) / number_BK
    # A pixel's weights sum to 1, up to rounding.
    present_BK = tables.true_BKN.sum(dim=2) > 0.5
    if variant == "released":
        everywhere_BK = torch.ones_like(present_BK)
        return mean_over_images(loss_BK * present_BK, from_class(first, everywhere_BK))
    return mean_over_images(loss_BK, from_class(first, present_BK))


def _places(prob: Tensor, bins: int, binning: Binning) -> Iterator[tuple[Tensor, Tensor, int]]:
    """The bins of each probability: index, weight, and the weight's derivative in bins per 1."""
    scaled = prob * bins
    if binning == "hard":  # a value on a border is in the lower bin
        yield scaled.ceil_().sub_(1).clamp_(0, bins - 1).long(), torch.ones_like(prob), 0
        return
    scaled = scaled - 0.5
    low = scaled.floor().clamp_(0, bins - 2)
    upper = (scaled - low).clamp_(0, 1)
    yield low.long(), 1 - upper, -bins
    yield low.long() + 1, upper, bins


def _fill(prob_BKHW: Tensor, labels_BHW: Tensor, bins: int, binning: Binning) -> _Bins:
    shape = (*prob_BKHW.shape[:2], bins)
    tables = _Bins(*(prob_BKHW.new_zeros(shape, dtype=torch.float64) for _ in range(3)))
    for image, band in bands(prob_BKHW):
        prob = prob_BKHW[image, :, band].flatten(2)
        labels = labels_BHW[image, band].flatten(1).unsqueeze(1)
        valid, own = labels != VOID, labels.masked_fill(labels == VOID, 0)
        for index, weight, _ in _places(prob, bins, binning):
            weight = weight * valid
            none = prob.new_zeros((*prob.shape[:2], bins))
            tables.count_BKN[image] += none.scatter_add(2, index, weight)
            tables.confidence_BKN[image] += none.scatter_add(2, index, weight * prob)
            flat = (own * bins + index.gather(1, own)).flatten(1)
            true = none.flatten(1).scatter_add(1, flat, weight.gather(1, own).flatten(1))
            tables.true_BKN[image] += true.view_as(none)
    return tables


def _spread(
    prob_BKHW: Tensor, labels_BHW: Tensor, slopes: _Bins, bins: int, binning: Binning
) -> Tensor:
    """(B,K,H,W): the derivative by the probabilities, from those by the bins' tables."""
    slope_BKHW = torch.zeros_like(prob_BKHW)
    by_count, by_confidence, by_true = (slope.to(prob_BKHW.dtype) for slope in slopes)
    for image, band in bands(prob_BKHW):
        prob = prob_BKHW[image, :, band]
        labels = labels_BHW[image, band].unsqueeze(1)
        slope, valid = slope_BKHW[image, :, band], labels != VOID
        own = labels.masked_fill(~valid, 0)
        for index, weight, rise in _places(prob, bins, binning):
            place = index.flatten(2)
            confidence = by_confidence[image].gather(2, place).view(prob.shape)
            slope += weight * confidence
            if rise:
                outside = (weight == 0) | (weight == 1)
                count = by_count[image].gather(2, place).view(prob.shape)
                true = by_true[image].gather(2, place).view(prob.shape).gather(1, own)
                by_weight = (count + confidence * prob).scatter_add(1, own, true)
                slope += rise * by_weight.masked_fill(outside, 0)
        slope *= valid
    return slope_BKHW
