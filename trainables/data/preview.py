"""Any image as a picture of 8-bit RGB.

Shape letters: H rows, W columns, C bands or colours.
"""

import numpy as np
from numpy.typing import NDArray

from trainables.config.pixels import Pixels as Described
from trainables.data.rasters import Pixels

_PERCENTILES = (2, 98)
"""Of a band: black and white. A few extreme pixels would otherwise leave the rest grey."""


def caption(pixels: Described) -> str:
    """What a picture of a dataset's image is."""
    if (pixels.bands, pixels.bits) == (3, 8):
        return "image"
    return "bands 1, 2, 3, stretched" if pixels.bands >= 3 else "band 1, stretched"


def shown(image_HWC: Pixels) -> NDArray[np.uint8]:
    """A photograph as it is; of other images the first three bands, or the first alone as grey.

    Each band is stretched between its 2nd and its 98th percentile in this image.
    """
    if image_HWC.dtype == np.uint8 and image_HWC.shape[2] == 3:
        return image_HWC.astype(np.uint8, copy=False)
    bands = image_HWC[..., :3] if image_HWC.shape[2] >= 3 else image_HWC[..., [0, 0, 0]]
    bands = bands.astype(np.float64)
    low_C, high_C = np.percentile(bands, _PERCENTILES, axis=(0, 1))
    share_HWC = (bands - low_C) / np.where(high_C > low_C, high_C - low_C, 1)
    return np.rint(255 * share_HWC.clip(0, 1)).astype(np.uint8)
