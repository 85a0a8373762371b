"""Losses of predicted depth. Shape letters: B images, H rows, W columns."""

import torch
from torch import Tensor

from trainables.config import require
from trainables.losses.inputs import check_logits, check_map, full_precision
from trainables.losses.term import LossTerm

BERHU_SHARE = 0.2
"""Share of the largest error from which berHu is quadratic (Laina et al., section 3.2)."""


def depth_l1(depth_BHW: Tensor, true_BHW: Tensor, valid_BHW: Tensor) -> LossTerm:
    """The absolute error in metres, as in MTI-Net and its public code.

    Args:
        depth_BHW: float, the prediction in metres; any sign.
        true_BHW: float, in metres.
        valid_BHW: bool, False where the true depth is missing; such pixels count nowhere.

    Returns:
        The sum over valid pixels, and their number.

    Raises:
        ValueError: maps of other shapes or types, a prediction that is not finite.
    """
    error_BHW = _errors(depth_BHW, true_BHW, valid_BHW)
    return LossTerm(error_BHW.sum(), valid_BHW.sum())


def depth_berhu(
    depth_BHW: Tensor, true_BHW: Tensor, valid_BHW: Tensor, *, largest: Tensor | None = None
) -> LossTerm:
    """The reverse Huber loss (Laina et al., 3DV 2016, Eq. 2): |e| up to c, (e^2 + c^2) / 2c beyond.

    c is a fifth of the largest error over all valid pixels of the batch, and has no gradient.

    Args:
        depth_BHW, true_BHW, valid_BHW: as in ``depth_l1``.
        largest: that error in metres, of all ranks; None: of these images.

    Returns:
        The sum over valid pixels, and their number.

    Raises:
        ValueError: as ``depth_l1``.
    """
    error_BHW = _errors(depth_BHW, true_BHW, valid_BHW)
    if largest is None:
        largest = largest_error(depth_BHW, true_BHW, valid_BHW)
    # Where all errors are 0, so is c: the branch that is not chosen must not divide by it.
    c = (BERHU_SHARE * largest).clamp(min=torch.finfo(error_BHW.dtype).tiny).to(error_BHW.dtype)
    beyond_BHW = error_BHW > c
    quadratic_BHW = (error_BHW * (error_BHW / c) + c) / 2
    total = torch.where(beyond_BHW, quadratic_BHW, error_BHW).sum()
    return LossTerm(total, valid_BHW.sum())


def largest_error(depth_BHW: Tensor, true_BHW: Tensor, valid_BHW: Tensor) -> Tensor:
    """Scalar without a gradient: the largest absolute error in metres; 0 if no pixel is valid, NaN
    if a prediction is."""
    error_BHW = (full_precision(depth_BHW.detach()) - true_BHW).abs().masked_fill(~valid_BHW, 0.0)
    return error_BHW.amax() if error_BHW.numel() else error_BHW.new_zeros(())


def _errors(depth_BHW: Tensor, true_BHW: Tensor, valid_BHW: Tensor) -> Tensor:
    """(B,H,W): absolute errors; 0 where a pixel is not valid."""
    shape = tuple(depth_BHW.shape)
    require(len(shape) == 3, "depth_BHW", "of shape (B,H,W)", shape)
    check_map("valid_BHW", valid_BHW, torch.bool, shape)
    check_logits("depth_BHW", depth_BHW, shape)
    require(tuple(true_BHW.shape) == shape, "true_BHW", f"of shape {shape}", tuple(true_BHW.shape))
    # No product with the mask, as a missing value may be NaN.
    return (full_precision(depth_BHW) - true_BHW).abs().masked_fill(~valid_BHW, 0.0)
