"""Maps of surface normals: x to the right, y down, z to the viewer.

Shape letters: H rows, W columns; ``...`` any number of sides before them.
"""

from torch import Tensor


def mirrored(normals: Tensor) -> Tensor:
    """A map (...,3,H,W) of the image mirrored left and right: x points to the other side."""
    return _negated(normals.flip(-1), 0)


def upside_down(normals: Tensor) -> Tensor:
    """A map (...,3,H,W) of the image mirrored up and down: y points to the other side."""
    return _negated(normals.flip(-2), 1)


def _negated(normals: Tensor, coordinate: int) -> Tensor:
    sign_3 = normals.new_ones(3)
    sign_3[coordinate] = -1
    return normals * sign_3.view(3, 1, 1) + 0  # no negative zero
