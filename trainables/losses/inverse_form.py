"""The InverseForm loss (Borse et al., CVPR 2021): how far the predicted boundary has moved.

Shape letters: B images, H rows, W columns, T tiles, S tile side, C transformation coefficients.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import refused
from trainables.geometry.boundaries import Variant
from trainables.geometry.tiles import split_tiles
from trainables.losses.boundary_cross_entropy import check_boundary
from trainables.losses.inputs import full_precision
from trainables.losses.term import LossTerm, of_no_image

Distance = Callable[[Tensor], Tensor]
"""(N,C) coefficients -> (N,) distances from the identity, where they are zero."""

TransformationNet = Callable[[Tensor, Tensor], Tensor]
"""(N,S,S) predicted and (N,S,S) true tiles -> (N,C) coefficients; zero is the identity."""

_TINY = 1e-12


def euclidean_distance(coefficients_NC: Tensor) -> Tensor:
    """(N,): Frobenius norm of theta-hat minus the identity (InverseForm, Eq. 1).

    The networks are trained on normalised parameters in which the identity is the zero vector, so
    the norm of their output is the distance. The argument of the square root is kept above zero,
    where its derivative is unbounded.
    """
    return (coefficients_NC.square().sum(dim=1) + _TINY).sqrt()


def inverse_form(
    boundary_logits_BHW: Tensor,
    boundary_BHW: Tensor,
    valid_BHW: Tensor,
    *,
    network: TransformationNet,
    tile: int,
    tile_reduction: Literal["sum", "mean"] = "sum",
    variant: Variant = "paper",
    resize: tuple[int, int] | None = None,
    distance: Distance = euclidean_distance,
) -> LossTerm:
    """Distance of the transformation between predicted and true boundary, tile by tile (Eq. 5).

    The gradient flows through the boundary *probabilities*. (The released code feeds the network a
    log-softmax over one channel, which is constant and has no gradient; this is not offered as a
    variant.)

    "paper" leaves out tiles without a true boundary: their transformation is undefined, and the
    network was not trained on such pairs. Void pixels are blank in both maps. "released" keeps
    every tile and every pixel.

    Args:
        boundary_logits_BHW: float, before the sigmoid.
        boundary_BHW: bool, the true boundary.
        valid_BHW: bool, False where the label is void.
        network: a frozen inverse-transformation network for tiles of side ``tile``.
        tile: side of a tile in pixels; the image is padded with blanks to a multiple of it.
        tile_reduction: "sum" over an image's tiles, then the mean over images (Eq. 5), or "mean"
            over all tiles (the released code). With "sum" the scale of ``gamma`` grows with the
            number of tiles.
        resize: rows and columns that both maps are resized to first, bilinearly; the released code
            has (672, 1344) with tiles of 224, whatever the image. "released" only.
        distance: from coefficients to their distance from the identity (Eq. 1 or 3).

    Raises:
        ValueError: wrong shapes or types, a tile larger than the map, ``resize`` in "paper".
    """
    check_boundary(boundary_logits_BHW, boundary_BHW, valid_BHW)
    if resize is not None and variant == "paper":
        raise refused("resize", "None for variant 'paper'", resize)
    logits_BHW = full_precision(boundary_logits_BHW)
    if not logits_BHW.numel():
        return of_no_image(logits_BHW)
    if variant == "released":
        valid_BHW = torch.ones_like(valid_BHW)
    blank_BHW = ~valid_BHW
    predicted_BHW = logits_BHW.sigmoid().masked_fill(blank_BHW, 0.0)
    true_BHW = boundary_BHW.to(logits_BHW.dtype).masked_fill(blank_BHW, 0.0)
    if resize is not None:
        predicted_BHW, true_BHW = _resized(predicted_BHW, resize), _resized(true_BHW, resize)
    predicted_BTSS, true_BTSS = split_tiles(predicted_BHW, tile), split_tiles(true_BHW, tile)

    # All tiles go through the network, so that the host need not wait to learn which are kept.
    kept_BT = true_BTSS.flatten(2).any(dim=2)
    if variant == "released":
        kept_BT = torch.ones_like(kept_BT)
    coefficients_NC = network(predicted_BTSS.flatten(0, 1), true_BTSS.flatten(0, 1))
    distance_N = distance(full_precision(coefficients_NC))
    total = distance_N.masked_fill(~kept_BT.flatten(), 0.0).sum()
    if tile_reduction == "mean":
        return LossTerm(total, kept_BT.sum())
    return LossTerm(total, kept_BT.any(dim=1).sum())


def _resized(map_BHW: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(map_BHW.unsqueeze(1), size, mode="bilinear").squeeze(1)
