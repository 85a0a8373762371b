"""Losses of dense maps beside the classes, as functions: edges, saliency, depth and normals.

Each returns a scalar, the mean over what counts, in float32 (float64 for float64 predictions).
Shape letters: B images, H rows, W columns.
"""

from typing import Literal

from torch import Tensor

from trainables.config import require
from trainables.losses.boundary_cross_entropy import (
    boundary_cross_entropy,
    fixed_balance_cross_entropy,
)
from trainables.losses.depth import depth_berhu as berhu_term
from trainables.losses.depth import depth_l1 as l1_term
from trainables.losses.normals import normals_cosine as cosine_term
from trainables.losses.normals import normals_l1 as normals_l1_term

Variant = Literal["paper", "released"]


def edge_cross_entropy(
    logits: Tensor, edges: Tensor, valid: Tensor, *, positive_weight: float = 0.95
) -> Tensor:
    """The edge task's loss in MTI-Net and ASTMT, which weigh it by 50.

    Args:
        logits: floating point (B,H,W) or (B,1,H,W), before the sigmoid.
        edges: bool (B,H,W), the true edges.
        valid: bool (B,H,W), False where nothing is known; such a pixel has no weight.
        positive_weight: of an edge pixel; another has 1 minus it.

    Raises:
        ValueError: naming the argument, what is allowed and what was given.
    """
    given = _one_channel(logits), edges, valid
    return fixed_balance_cross_entropy(*given, positive_weight=positive_weight).value()


def saliency_cross_entropy(
    logits: Tensor, salient: Tensor, valid: Tensor, *, variant: Variant = "paper"
) -> Tensor:
    """Cross-entropy in which salient pixels and the others weigh the same in sum.

    Args:
        logits, valid: as in ``edge_cross_entropy``.
        salient: bool (B,H,W).
        variant: "paper" balances within each image, "released" within the batch.

    Raises:
        ValueError: naming the argument, what is allowed and what was given.
    """
    return boundary_cross_entropy(_one_channel(logits), salient, valid, variant=variant).value()


def depth_l1(depth: Tensor, true: Tensor, valid: Tensor) -> Tensor:
    """The mean absolute error of valid pixels, in the unit of ``true``.

    Args:
        depth: floating point (B,H,W) or (B,1,H,W), the prediction.
        true: floating point (B,H,W).
        valid: bool (B,H,W), False where ``true`` is missing.

    Raises:
        ValueError: naming the argument, what is allowed and what was given.
    """
    return l1_term(_one_channel(depth), true, valid).value()


def depth_berhu(depth: Tensor, true: Tensor, valid: Tensor) -> Tensor:
    """The reverse Huber loss (Laina et al., 3DV 2016), whose c is a fifth of the batch's largest
    error; arguments as in ``depth_l1``."""
    return berhu_term(_one_channel(depth), true, valid).value()


def normals_l1(normals: Tensor, true: Tensor, valid: Tensor) -> Tensor:
    """The mean absolute difference of the coordinates of unit vectors.

    Args:
        normals: floating point (B,3,H,W), of any length.
        true: floating point (B,3,H,W), unit vectors.
        valid: bool (B,H,W), False where ``true`` is missing.

    Raises:
        ValueError: naming the argument, what is allowed and what was given.
    """
    return normals_l1_term(normals, true, valid).value()


def normals_cosine(normals: Tensor, true: Tensor, valid: Tensor) -> Tensor:
    """The mean of 1 minus the cosine of the angle; arguments as in ``normals_l1``."""
    return cosine_term(normals, true, valid).value()


def _one_channel(map_: Tensor) -> Tensor:
    shape = tuple(map_.shape)
    one = len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)
    require(one, "the prediction", "of shape (B,H,W) or (B,1,H,W)", shape)
    return map_.squeeze(1) if len(shape) == 4 else map_
