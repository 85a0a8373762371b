"""Losses of predicted surface normals. Shape letters: B images, H rows, W columns."""

import torch
from torch import Tensor

from trainables.config import require
from trainables.losses.inputs import check_logits, check_map, full_precision
from trainables.losses.term import LossTerm

_SHORTEST = 1e-6
"""Shorter predictions are divided by this: the slope of a direction has no bound at the origin."""


def normals_l1(normals_B3HW: Tensor, true_B3HW: Tensor, valid_BHW: Tensor) -> LossTerm:
    """Absolute differences of the coordinates of unit vectors, as MTI-Net's and ASTMT's public code
    has them.

    Args:
        normals_B3HW: float, the prediction: vectors of any length, which become unit vectors.
        true_B3HW: float, unit vectors.
        valid_BHW: bool, False where the true normal is missing; such pixels count nowhere.

    Returns:
        The sum over the coordinates of valid pixels, and the number of these coordinates.

    Raises:
        ValueError: maps of other shapes or types, a prediction that is not finite.
    """
    difference_B3HW = _difference(normals_B3HW, true_B3HW, valid_BHW)
    return LossTerm(difference_B3HW.abs().sum(), 3 * valid_BHW.sum())


def normals_cosine(normals_B3HW: Tensor, true_B3HW: Tensor, valid_BHW: Tensor) -> LossTerm:
    """1 minus the cosine of the angle between prediction and truth, 0 .. 2.

    It is computed as half the squared distance of the unit vectors, which is the same number and
    has no rounding error of its own at small angles.

    Args:
        normals_B3HW, true_B3HW, valid_BHW: as in ``normals_l1``.

    Returns:
        The sum over valid pixels, and their number.

    Raises:
        ValueError: as ``normals_l1``.
    """
    difference_B3HW = _difference(normals_B3HW, true_B3HW, valid_BHW)
    return LossTerm(difference_B3HW.square().sum() / 2, valid_BHW.sum())


def _difference(normals_B3HW: Tensor, true_B3HW: Tensor, valid_BHW: Tensor) -> Tensor:
    """(B,3,H,W): between unit vectors; 0 where a pixel is not valid."""
    shape = tuple(normals_B3HW.shape)
    require(len(shape) == 4 and shape[1] == 3, "normals_B3HW", "of shape (B,3,H,W)", shape)
    check_logits("normals_B3HW", normals_B3HW, shape)
    check_map("valid_BHW", valid_BHW, torch.bool, (shape[0], *shape[2:]))
    found = tuple(true_B3HW.shape)
    require(found == shape, "true_B3HW", f"of shape {shape}", found)
    normals_B3HW = full_precision(normals_B3HW)
    # The same division of both, so that an exact prediction has no error at all.
    difference_B3HW = _unit(normals_B3HW) - _unit(true_B3HW.to(normals_B3HW.dtype))
    return difference_B3HW.masked_fill(~valid_BHW.unsqueeze(1), 0.0)


def _unit(vectors_B3HW: Tensor) -> Tensor:
    length_B1HW = torch.linalg.vector_norm(vectors_B3HW, dim=1, keepdim=True)
    return vectors_B3HW / length_B1HW.clamp(min=_SHORTEST)
