"""Label maps on their images, with holes marked (SEMEDA's Figures 1, 6 and 7).

Shape letters: H rows, W columns, C colours.
"""

import numpy as np
from numpy.typing import NDArray

from trainables.geometry.boundaries import VOID
from trainables.metrics.holes import holes_of_class

Picture = NDArray[np.uint8]
_SHARE = 0.55
"""Of the class's colour in an overlay."""
_HOLE = (255, 0, 255)


def holes(predicted_HW: Picture, labels_HW: Picture) -> NDArray[np.bool_]:
    """(H,W): the true pixels of each class in holes of its predicted region, as ``hole_area``
    counts them."""
    found_HW, void_HW = np.zeros(labels_HW.shape, dtype=bool), labels_HW == VOID
    for label in np.unique(predicted_HW[predicted_HW != VOID]):
        found_HW |= holes_of_class(predicted_HW == label, labels_HW == label, void_HW) > 0
    return found_HW


def overlay(
    image_HWC: Picture, predicted_HW: Picture, palette: Picture, hole_HW: NDArray[np.bool_]
) -> Picture:
    """The image with each pixel tinted in its predicted class's colour, and holes in pink."""
    mixed_HWC = (1 - _SHARE) * image_HWC + _SHARE * palette[predicted_HW]
    painted_HWC: Picture = mixed_HWC.round().astype(np.uint8)
    painted_HWC[hole_HW] = _HOLE
    return painted_HWC
