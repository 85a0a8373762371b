"""The InverseForm loss (Borse et al., CVPR 2021): how far the predicted boundary has moved.

Shape letters: B images, H rows, W columns, T tiles, S tile side, C transformation coefficients.
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from trainables.geometry.tiles import split_tiles
from trainables.losses.term import LossTerm

Distance = Callable[[Tensor], Tensor]
"""(N,C) coefficients -> (N,) distances from the identity, where they are zero."""

TransformationNet = Callable[[Tensor, Tensor], Tensor]
"""(N,S,S) predicted and (N,S,S) true tiles -> (N,C) coefficients; zero is the identity."""

_TINY = 1e-12


def euclidean_distance(coefficients_NC: Tensor) -> Tensor:
    """(N,): Frobenius norm of theta-hat minus the identity (InverseForm, Eq. 1).

    The networks are trained on normalised parameters in which the identity is the zero vector, so
    the norm of their output is the distance. The square root is kept off zero, where its
    derivative has no bound.
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
    distance: Distance = euclidean_distance,
) -> LossTerm:
    """Distance of the transformation between predicted and true boundary, tile by tile (Eq. 5).

    The gradient flows through the boundary *probabilities*. (The released code feeds the network a
    log-softmax over one channel, which is constant: it has no gradient at all.)

    Tiles without a true boundary are left out: nothing says what they were transformed from, and
    the network never saw such pairs. Void pixels are blank in both maps.

    Args:
        boundary_logits_BHW: float, before the sigmoid.
        boundary_BHW: bool, the true boundary.
        valid_BHW: bool, False where the label is void.
        network: a frozen inverse-transformation network for tiles of side ``tile``.
        tile: side of a tile in pixels; the image is padded with blanks to a multiple of it.
        tile_reduction: "sum" over an image's tiles, then the mean over images (Eq. 5), or "mean"
            over all tiles (the released code). With "sum" the scale of ``gamma`` grows with the
            number of tiles.
        distance: of the coefficients from the identity (Eq. 1 or 3).
    """
    valid_BHW = valid_BHW.to(boundary_logits_BHW.dtype)
    predicted_BTSS = split_tiles(boundary_logits_BHW.sigmoid() * valid_BHW, tile)
    true_BTSS = split_tiles(boundary_BHW.to(valid_BHW.dtype) * valid_BHW, tile)

    kept_BT = true_BTSS.flatten(2).any(dim=2)
    coefficients_NC = network(predicted_BTSS.flatten(0, 1), true_BTSS.flatten(0, 1))
    distance_N = distance(coefficients_NC) * kept_BT.flatten().to(valid_BHW.dtype)
    if tile_reduction == "mean":
        return LossTerm(distance_N.sum(), kept_BT.sum())
    return LossTerm(distance_N.sum(), kept_BT.any(dim=1).sum())
