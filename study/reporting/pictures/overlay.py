"""Label maps on their images, with holes marked (SEMEDA's Figures 1, 6 and 7).

Shape letters: H rows, W columns, C colours.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trainables.geometry.boundaries import VOID

Picture = NDArray[np.uint8]
_SHARE = 0.55
"""Of the class's colour in an overlay."""
_HOLE = (255, 0, 255)


def holes(predicted_HW: Picture, labels_HW: Picture) -> NDArray[np.bool_]:
    """(H,W): pixels of holes in a predicted region that the true region does not have.

    A hole of a class is a part of the map that its region encloses completely (4-neighbours); the
    pixels count whose true class it is. What touches the image's border is no hole.
    """
    found_HW = np.zeros(labels_HW.shape, dtype=bool)
    for label in np.unique(predicted_HW[predicted_HW != VOID]):
        region_HW = predicted_HW == label
        inside_HW = ndimage.binary_fill_holes(region_HW) & ~region_HW
        found_HW |= inside_HW & (labels_HW == label)
    return found_HW


def overlay(
    image_HWC: Picture, predicted_HW: Picture, palette: Picture, hole_HW: NDArray[np.bool_]
) -> Picture:
    """The image with each pixel tinted in its predicted class's colour, and holes in pink."""
    mixed_HWC = (1 - _SHARE) * image_HWC + _SHARE * palette[predicted_HW]
    painted_HWC: Picture = mixed_HWC.round().astype(np.uint8)
    painted_HWC[hole_HW] = _HOLE
    return painted_HWC
