"""SEMEDA's Figure 4: an image, its truth, and the narrowest and the widest trimap.

Shape letters: H rows, W columns, C colours.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from study.reporting.pictures.pictures import colours, side_by_side
from trainables.data import Dataset
from trainables.data.preview import caption, shown
from trainables.geometry.boundaries import VOID
from trainables.metrics.bands import band_zones

NAME = "trimap.png"
WIDTHS_PX = (1, 10)
_INSIDE, _OUTSIDE, _VOID = (200, 30, 30), (0, 0, 0), (255, 255, 255)


def trimap(labels_HW: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    """(H,W,C): red within the band around true edges, black outside, white where void."""
    zone_1HW = band_zones(torch.from_numpy(labels_HW.astype(np.int64))[None], width_px)
    inside_HW = zone_1HW[0].numpy() < width_px
    drawn_HWC = np.full((*labels_HW.shape, 3), _OUTSIDE, dtype=np.uint8)
    drawn_HWC[inside_HW] = _INSIDE
    drawn_HWC[labels_HW == VOID] = _VOID
    return drawn_HWC


def sheet(dataset: Dataset, row: int) -> Image.Image:
    """The picture of one test image."""
    images = dataset.splits["test"]
    labels_HW = np.asarray(images.labels_NHW[row])
    panels = [shown(np.asarray(images.images_NHWC[row])), colours(dataset)[labels_HW]]
    bands = [f"trimap of {width} px" for width in WIDTHS_PX]
    panels += [trimap(labels_HW, width) for width in WIDTHS_PX]
    return side_by_side(panels, [caption(dataset.pixels), "truth", *bands])
