"""InverseForm's distance of a transformation from the identity (3.3), Euclidean or geodesic.

Shape letters: N pairs, C transformation coefficients.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor

from trainables.geometry import homography
from trainables.geometry.so3 import so3_distance
from trainables.geometry.so3_printed import printed_distance
from trainables.losses.inverse_form import Distance, euclidean_distance

Kind = Literal["euclidean", "geodesic"]
Form = Literal["bounded", "printed"]
"""Of the geodesic distance: with a bounded gradient, or exactly as it is printed."""

LAMBDA_GEO = 0.1
"""The paper's weight of the projection residual (Eq. 3)."""

RAD_PER_UNIT = 0.1
"""Mean geodesic distance of the sampled homographies over the mean norm of their normal form, under
the default ranges, so that the ninth output weighs the same in either distance."""

_TINY = 1e-12


def so3_of(form: Form) -> Callable[[Tensor, float], Tensor]:
    """(N,3,3) and lambda -> (N,): Eq. 3 in this form."""
    return so3_distance if form == "bounded" else printed_distance


def geodesic_distance(
    coefficients_NC: Tensor, lambda_geo: float = LAMBDA_GEO, form: Form = "bounded"
) -> Tensor:
    """(N,): arccos((Tr P - 1) / 2) + lambda Tr(R^T R), with theta = I (Eq. 3 and 4), in radians.

    Its gradient is finite and bounded everywhere, unless its form is "printed". A ninth column, if
    any, is how much of the prediction the transformation does not explain; it is added in
    quadrature, as in the Euclidean norm. A single column is the distance itself.
    """
    if coefficients_NC.shape[1] == 1:
        return euclidean_distance(coefficients_NC)
    theta_N33 = homography.denormalise(coefficients_NC[:, : homography.PERSPECTIVE])
    distance_N = so3_of(form)(theta_N33, lambda_geo)
    if coefficients_NC.shape[1] == homography.PERSPECTIVE:
        return distance_N
    unlike_N = coefficients_NC[:, homography.PERSPECTIVE] * RAD_PER_UNIT
    return (distance_N.square() + unlike_N.square() + _TINY).sqrt()


def distance_of(kind: Kind, lambda_geo: float = LAMBDA_GEO, form: Form = "bounded") -> Distance:
    """The distance that a config names."""
    if kind == "euclidean":
        return euclidean_distance
    return partial(geodesic_distance, lambda_geo=lambda_geo, form=form)


def coefficients_of(kind: Kind) -> int:
    """6 affine parameters for the euclidean distance, 8 of a homography for the geodesic one."""
    return homography.AFFINE if kind == "euclidean" else homography.PERSPECTIVE
