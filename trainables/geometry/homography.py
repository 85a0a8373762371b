"""Affine transformations of boundary tiles: sampling them, applying them, and their normal form.

Coordinates are the spatial transformer's: (x, y) in [-1, 1] over the tile, origin in its centre;
``warp(x, theta)`` reads the input at ``theta @ (x, y, 1)`` (Jaderberg et al., NeurIPS 2015).
Shape letters: N pairs, S tile side, C coefficients.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

ROTATION_RAD = math.radians(20)
SHEAR = math.tan(math.radians(10))
SCALE = 0.2
SHIFT = 0.4
"""Bounds of the sampled parameters: AET's (zoom 0.8 to 1.2, shift a fifth of the side), with its
rotation and shear reduced to what a predicted boundary can be off by."""

COEFFICIENT_SCALE = (0.115, 0.22, 0.23, 0.20, 0.115, 0.23)
"""Standard deviation of each entry of ``theta - identity``, row by row, under ``sample_affine``."""


def sample_affine(pairs: int, generator: Generator) -> Tensor:
    """(N,2,3): random affine transformations within the bounds above."""

    def uniform(bound: float) -> Tensor:
        return (torch.rand(pairs, generator=generator) * 2 - 1) * bound

    angle, shear = uniform(ROTATION_RAD), uniform(SHEAR)
    zoom_x, zoom_y = 1 + uniform(SCALE), 1 + uniform(SCALE)
    cos, sin = angle.cos(), angle.sin()
    rows = (
        torch.stack((zoom_x * cos, zoom_y * (shear * cos - sin), uniform(SHIFT)), dim=1),
        torch.stack((zoom_x * sin, zoom_y * (shear * sin + cos), uniform(SHIFT)), dim=1),
    )
    return torch.stack(rows, dim=1)


def normalise(theta_N23: Tensor) -> Tensor:
    """(N,6): zero at the identity, and of like size in every coefficient."""
    identity_23 = torch.eye(2, 3, dtype=theta_N23.dtype, device=theta_N23.device)
    scale_6 = torch.tensor(COEFFICIENT_SCALE, dtype=theta_N23.dtype, device=theta_N23.device)
    return (theta_N23 - identity_23).flatten(1) / scale_6


def denormalise(coefficients_N6: Tensor) -> Tensor:
    """(N,2,3): the transformation that ``normalise`` maps to these coefficients."""
    identity_23 = torch.eye(2, 3, dtype=coefficients_N6.dtype, device=coefficients_N6.device)
    scale_6 = coefficients_N6.new_tensor(COEFFICIENT_SCALE)
    return (coefficients_N6 * scale_6).unflatten(1, (2, 3)) + identity_23


def warp(context_NPP: Tensor, theta_N23: Tensor, tile: int) -> Tensor:
    """(N,S,S): the centre tile of each context after the transformation.

    The context is larger than the tile, so that what moves in from outside is there to be seen.
    """
    pairs, side, _ = context_NPP.shape
    grid_NSS2 = F.affine_grid(theta_N23, [pairs, 1, tile, tile], align_corners=False)
    warped_N1SS = F.grid_sample(
        context_NPP.unsqueeze(1), grid_NSS2 * (tile / side), align_corners=False
    )
    return warped_N1SS.squeeze(1)
