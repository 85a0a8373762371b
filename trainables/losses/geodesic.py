"""InverseForm's distance of a transformation from the identity (3.3), Euclidean or geodesic.

Shape letters: N pairs, C transformation coefficients.
"""

from functools import partial
from typing import Literal

from torch import Tensor

from trainables.geometry import homography
from trainables.geometry.so3 import so3_distance
from trainables.losses.inverse_form import Distance, euclidean_distance

Kind = Literal["euclidean", "geodesic"]

LAMBDA_GEO = 0.1
"""The paper's weight of the projection residual (Eq. 3)."""

_RAD_PER_UNIT = 0.1
"""Mean geodesic distance of the sampled homographies over the mean norm of their normal form, so
that the ninth output weighs the same in either distance."""

_TINY = 1e-12


def geodesic_distance(coefficients_NC: Tensor, lambda_geo: float = LAMBDA_GEO) -> Tensor:
    """(N,): arccos((Tr P - 1) / 2) + lambda Tr(R^T R), with theta = I (Eq. 3 and 4), in radians.

    Its gradient is finite and bounded everywhere: see ``so3_distance``. A ninth column, if any, is
    how much of the prediction the transformation does not explain; it is added in quadrature, as
    in the Euclidean norm.
    """
    theta_N33 = homography.denormalise(coefficients_NC[:, : homography.PERSPECTIVE])
    distance_N = so3_distance(theta_N33, lambda_geo)
    if coefficients_NC.shape[1] == homography.PERSPECTIVE:
        return distance_N
    unlike_N = coefficients_NC[:, homography.PERSPECTIVE] * _RAD_PER_UNIT
    return (distance_N.square() + unlike_N.square() + _TINY).sqrt()


def distance_of(kind: Kind, lambda_geo: float = LAMBDA_GEO) -> Distance:
    """The distance that a config names."""
    if kind == "euclidean":
        return euclidean_distance
    return partial(geodesic_distance, lambda_geo=lambda_geo)


def coefficients_of(kind: Kind) -> int:
    """6 affine parameters for the euclidean distance, 8 of a homography for the geodesic one."""
    return homography.AFFINE if kind == "euclidean" else homography.PERSPECTIVE
