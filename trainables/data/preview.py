"""Any image, or map beside the labels, as a picture of 8-bit RGB.

Shape letters: H rows, W columns, C bands or colours.
"""

import numpy as np
from numpy.typing import NDArray

from trainables.config.pixels import Pixels as Described
from trainables.config.tasks import TaskName
from trainables.data.label_tables import voc_palette
from trainables.data.rasters import Pixels
from trainables.data.targets import MISSING, TargetMap

_PERCENTILES = (2, 98)
"""Of a band: black and white. A few extreme pixels would otherwise leave the rest grey."""

_UNKNOWN = 128
_PARTS = 64
_VIRIDIS = (
    (68, 1, 84),
    (72, 40, 120),
    (62, 74, 137),
    (49, 104, 142),
    (38, 130, 142),
    (31, 158, 137),
    (53, 183, 121),
    (109, 205, 89),
    (180, 222, 44),
    (253, 231, 37),
)
"""Matplotlib's colours, at even steps."""


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


def target_picture(
    task: TaskName, map_: TargetMap, metres: tuple[float, float] | None = None
) -> NDArray[np.uint8]:
    """A map beside the labels, (H,W) or (H,W,3), as a picture (H,W,3); grey where it is missing.

    Depth is dark blue where it is near and yellow where it is far. Normals have the usual colours:
    red to the right, green up, blue to the viewer.

    Args:
        task: whose map it is.
        map_: as ``targets.py`` says.
        metres: of the first and the last colour of depth; None: of this map's own.
    """
    if task == "normals":
        known_HW = map_.any(axis=2)
        picture_HW3 = 127.5 * (1 + map_ * np.array((1, -1, 1)))  # y counts downwards
    else:
        known_HW = map_ != MISSING[task]
        picture_HW3 = _depth(map_, known_HW, metres) if task == "depth" else _labels(task, map_)
    picture_HW3[~known_HW] = _UNKNOWN
    return np.rint(picture_HW3.clip(0, 255)).astype(np.uint8)


def _depth(
    map_: TargetMap, known_HW: NDArray[np.bool_], metres: tuple[float, float] | None
) -> NDArray[np.float64]:
    near, far = metres or (
        float(map_[known_HW].min(initial=np.inf)),
        float(map_[known_HW].max(initial=0)),
    )
    share_HW = (map_ - near) / max(far - near, 1e-6)
    stops = np.linspace(0, 1, len(_VIRIDIS))
    bands = [np.interp(share_HW, stops, band) for band in np.array(_VIRIDIS).T]
    return np.stack(bands, axis=2)


def _labels(task: TaskName, map_: TargetMap) -> NDArray[np.float64]:
    black_and_white = ((0, 0, 0), (255, 255, 255))
    table = np.full((256, 3), _UNKNOWN, dtype=np.float64)
    colours = voc_palette(_PARTS) if task == "parts" else black_and_white
    table[: len(colours)] = colours
    coloured_HW3: NDArray[np.float64] = table[map_.astype(np.int64)]
    return coloured_HW3
