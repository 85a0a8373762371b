"""Transformations of boundary tiles: sampling, applying and normalising them.

Coordinates are the spatial transformer's: (x, y) in [-1, 1] over the tile, origin at its centre;
``warp(x, theta)`` reads the input at ``theta @ (x, y, 1)`` (Jaderberg et al., NeurIPS 2015).
An affine theta has (0, 0, 1) as its last row and 6 coefficients; a homography has 8, its ninth
entry is 1 (InverseForm, end of 3.3).
Shape letters: N pairs, D degrees of freedom, C coefficients (6 or 8), K maps, S tile side,
P context side.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from trainables.geometry.device import beside

AFFINE, PERSPECTIVE = 6, 8
"""Numbers of coefficients."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Bounds of the sampled parameters.

    The defaults are those of AET (shift a fifth of the side), with zoom, rotation, shear and
    corner offsets reduced to plausible errors of a predicted boundary.
    """

    rotation: float = 20.0
    """Degrees."""
    shear: float = 10.0
    """Degrees."""
    zoom: float = 0.2
    """Zooms are 1 - zoom .. 1 + zoom."""
    shift: float = 0.2
    """Share of the tile's side."""
    corners: float = 0.075
    """Share of the tile's side, of each corner in x and in y."""


DEFAULT_RANGES = Ranges()

_AFFINE_FREEDOM, _CORNERS = 6, 8
_SIDE = 2
"""Of a tile, in its coordinates."""


def _float64(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


_UNITS = {
    AFFINE: _float64(0.115, 0.224, 0.231, 0.201, 0.117, 0.231),
    PERSPECTIVE: _float64(0.123, 0.228, 0.239, 0.205, 0.125, 0.239, 0.043, 0.043),
}
"""The unit of each entry of ``theta - identity``, row by row: its standard deviation under the
default ranges. Other ranges keep it, so that a distance and its weight mean the same with them."""


def freedom(coefficients: int) -> int:
    """How many numbers ``from_freedom`` takes for one transformation."""
    return _AFFINE_FREEDOM + (_CORNERS if coefficients == PERSPECTIVE else 0)


def from_freedom(freedom_ND: Tensor, ranges: Ranges = DEFAULT_RANGES) -> Tensor:
    """(N,3,3): transformations from numbers in [-1, 1], each a fraction of its bound.

    In order: rotation, shear, two zooms, two shifts; then, if there are 14, the offsets in x and y
    of the four corners, as AET makes its projective transformations.
    """
    angle, shear, zoom_x, zoom_y, shift_x, shift_y = freedom_ND[:, :_AFFINE_FREEDOM].unbind(dim=1)
    angle = angle * math.radians(ranges.rotation)
    cos, sin, shear = angle.cos(), angle.sin(), shear * math.tan(math.radians(ranges.shear))
    zoom_x, zoom_y = 1 + zoom_x * ranges.zoom, 1 + zoom_y * ranges.zoom
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = (
        (zoom_x * cos, zoom_y * (shear * cos - sin), shift_x * _SIDE * ranges.shift),
        (zoom_x * sin, zoom_y * (shear * sin + cos), shift_y * _SIDE * ranges.shift),
        (zero, zero, one),
    )
    theta_N33 = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    if freedom_ND.shape[1] == _AFFINE_FREEDOM:
        return theta_N33
    offset_N8 = freedom_ND[:, _AFFINE_FREEDOM:] * (_SIDE * ranges.corners)
    theta_N33 = theta_N33 @ _from_corners(offset_N8)
    return theta_N33 / theta_N33[:, 2:, 2:]


def _from_corners(offset_N8: Tensor) -> Tensor:
    """(N,3,3): the homographies that move the tile's corners by these offsets (x, y, x, y, ...)."""
    x_4 = offset_N8.new_tensor((-1.0, 1.0, 1.0, -1.0))
    y_4 = offset_N8.new_tensor((-1.0, -1.0, 1.0, 1.0))
    from_43 = torch.stack((x_4, y_4, torch.ones_like(x_4)), dim=1)
    to_N42 = from_43[:, :2] + offset_N8.unflatten(1, (4, 2))
    rows = []
    # Two equations a corner: u (g x + h y + 1) = a x + b y + c, and the same for v.
    for axis in (0, 1):
        linear_N43 = from_43.expand(len(offset_N8), 4, 3)
        parts = [torch.zeros_like(linear_N43)] * 2
        parts[axis] = linear_N43
        rows.append(torch.cat((*parts, -to_N42[:, :, axis : axis + 1] * from_43[:, :2]), dim=2))
    right_N8 = to_N42.transpose(1, 2).flatten(1)
    solved_N8 = torch.linalg.solve(torch.cat(rows, dim=1), right_N8)
    return F.pad(solved_N8, (0, 1), value=1.0).unflatten(1, (3, 3))


def sample(
    pairs: int, coefficients: int, generator: Generator, ranges: Ranges = DEFAULT_RANGES
) -> Tensor:
    """(N,3,3): random transformations within these ranges."""
    freedom_ND = torch.rand(pairs, freedom(coefficients), generator=generator) * 2 - 1
    return from_freedom(freedom_ND, ranges)


def shift(dx_N: Tensor, dy_N: Tensor) -> Tensor:
    """(N,3,3): pure shifts, in the tile's coordinates."""
    theta_N33 = torch.eye(3).repeat(len(dx_N), 1, 1)
    theta_N33[:, 0, 2], theta_N33[:, 1, 2] = dx_N, dy_N
    return theta_N33


def normalise(theta_N33: Tensor, coefficients: int) -> Tensor:
    """(N,C): the normal form: zero at the identity, and of similar size in every coefficient."""
    identity_33 = torch.eye(3, dtype=theta_N33.dtype, device=theta_N33.device)
    scale_C = beside(_UNITS[coefficients], theta_N33)
    return (theta_N33 - identity_33).flatten(1)[:, :coefficients] / scale_C


def denormalise(coefficients_NC: Tensor) -> Tensor:
    """(N,3,3): the transformations with this normal form."""
    coefficients = coefficients_NC.shape[1]
    offset_NC = coefficients_NC * beside(_UNITS[coefficients], coefficients_NC)
    identity_33 = torch.eye(3, dtype=offset_NC.dtype, device=offset_NC.device)
    return F.pad(offset_NC, (0, 9 - coefficients)).unflatten(1, (3, 3)) + identity_33


def warp(context_NPP: Tensor, theta_N33: Tensor, tile: int) -> Tensor:
    """(N,S,S): the centre tile of each context after the transformation.

    The context is larger than the tile, so that what moves into the tile is known.
    """
    return _sampled(context_NPP.unsqueeze(1), theta_N33, tile).squeeze(1)


def warp_within(tiles_NSS: Tensor, theta_N33: Tensor) -> tuple[Tensor, Tensor]:
    """(N,S,S) twice: the tiles after the transformation, and how much of each pixel, 0 to 1, comes
    from inside the tile."""
    both_N2SS = torch.stack((tiles_NSS, torch.ones_like(tiles_NSS)), dim=1)
    warped_NSS, inside_NSS = _sampled(both_N2SS, theta_N33, tiles_NSS.shape[-1]).unbind(dim=1)
    return warped_NSS, inside_NSS


def _sampled(context_NKPP: Tensor, theta_N33: Tensor, tile: int) -> Tensor:
    """(N,K,S,S): K maps of each context, sampled at the tile's transformed pixels."""
    step = (torch.arange(tile, device=theta_N33.device, dtype=theta_N33.dtype) + 0.5) * 2 / tile - 1
    y_SS, x_SS = torch.meshgrid(step, step, indexing="ij")
    grid_SS3 = torch.stack((x_SS, y_SS, torch.ones_like(x_SS)), dim=2)
    seen_NSS3 = torch.einsum("nij,abj->nabi", theta_N33, grid_SS3)
    seen_NSS2 = seen_NSS3[..., :2] / seen_NSS3[..., 2:]
    ratio = tile / context_NKPP.shape[-1]
    return F.grid_sample(context_NKPP, seen_NSS2 * ratio, align_corners=False)
