"""What the training of an inverse-transformation network reduces (InverseForm, 3.3).

Shape letters: N pairs, C coefficients.
"""

import torch
from torch import Tensor

from trainables.geometry import homography
from trainables.losses.geodesic import Form, Kind, distance_of, so3_of


def objective(
    found_NC: Tensor, target_NC: Tensor, kind: Kind, lambda_geo: float, form: Form
) -> Tensor:
    """The mean distance of the found transformations from the true ones.

    "euclidean": the squared error of the normalised coefficients, per coefficient. "geodesic": the
    distance of theta^-1 theta-hat from the identity (Eq. 3 and 4), in radians. A single output is
    the distance from the identity itself: its squared error.
    """
    if found_NC.shape[1] == 1:
        truth_N = distance_of(kind, lambda_geo, form)(target_NC)
        return (found_NC.squeeze(1) - truth_N).square().mean()
    if kind == "euclidean":
        return (found_NC - target_NC).square().mean()
    between_N33 = torch.linalg.solve(
        homography.denormalise(target_NC), homography.denormalise(found_NC)
    )
    return so3_of(form)(between_N33, lambda_geo).mean()
