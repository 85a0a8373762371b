"""Scaling and turning as the public code of MTI-Net and ASTMT has it, ``data/moves=released``.

Facts, against ``augment.py``: an image is mirrored first; it is scaled and turned about its middle
in a frame of its own size, and then the complete frame is resized to the size of the crop, whatever
its aspect. Image and normals are cubic, all else nearest. Outside the image every map is 0: class
0, no edge, not salient, a part's background, and missing depth and normals. Next to missing normals
lie mixtures that count as valid. Values of the image beyond 0..255 wrap around. Here as there depth
is divided by the zoom, and normals turn in the plane.
Source: Multi-Task-Learning-PyTorch @ ed3d9ac, data/custom_transforms.py, as described in its files.
Shape letters: H rows, W columns.
"""

import math
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import DataConfig
from trainables.config.tasks import TaskName
from trainables.data import target_kinds, warp
from trainables.data.draw import Draw, turned, zoom_of
from trainables.data.images import Size
from trainables.data.maps import Maps

_V = TypeVar("_V", bound=np.generic)
Real = NDArray[np.float32]


def moved(maps: Maps, config: DataConfig, draw: Draw) -> Maps:
    """Mirror, scale, turn and resize a photograph (uint8), its labels and its targets."""
    rows, columns = maps.labels_HW.shape
    size = (config.crop_height or rows, config.crop_width or columns)
    if turned(config, draw)[1]:
        maps = maps.each(lambda x: x.flip(2), lambda x: x.flip(1), target_kinds.mirrored)
    degrees = math.degrees(warp.angle_of(config, draw)) if config.rotate else 0.0
    zoom = zoom_of(config, draw)
    return maps.each(
        lambda image_CHW: _wrapped(moved_image(_hwc(image_CHW), degrees, zoom, size)),
        lambda labels_HW: torch.from_numpy(moved_labels(labels_HW.numpy(), degrees, zoom, size)),
        lambda task, map_: moved_target(task, map_, degrees, zoom, size),
    )


def moved_image(image_HW3: Real, degrees: float, zoom: float, size: Size) -> Real:
    """An image scaled and turned, counter-clockwise, then at this size; it may overshoot."""
    import cv2

    return _moved(image_HW3, degrees, zoom, size, cv2.INTER_CUBIC)


def moved_labels(map_HW: NDArray[_V], degrees: float, zoom: float, size: Size) -> NDArray[_V]:
    """Labels, or another map whose values never mix."""
    import cv2

    return _moved(map_HW, degrees, zoom, size, cv2.INTER_NEAREST)


def moved_target(task: TaskName, map_: Tensor, degrees: float, zoom: float, size: Size) -> Tensor:
    """A map of ``targets.py``, scaled and turned, then at this size."""
    if task == "normals":
        return _normals(map_, degrees, zoom, size)
    found = torch.from_numpy(moved_labels(map_.numpy(), degrees, zoom, size))
    if task == "depth":
        return found / zoom
    if task == "parts" and not found.any():  # no person is seen
        return torch.full_like(found, 255)
    return found


def _normals(normals_3HW: Tensor, degrees: float, zoom: float, size: Size) -> Tensor:
    import cv2

    upright_3HW = target_kinds.turned("normals", normals_3HW, -math.radians(degrees))
    mixed_HW3 = _moved(_hwc(upright_3HW), degrees, zoom, size, cv2.INTER_CUBIC)
    length_HW1 = np.linalg.norm(mixed_HW3, axis=2, keepdims=True)
    unit_HW3 = mixed_HW3 / (length_HW1 + np.finfo(np.float32).eps)
    return torch.from_numpy(unit_HW3).permute(2, 0, 1)


def _moved(
    map_: NDArray[_V], degrees: float, zoom: float, size: Size, interpolation: int
) -> NDArray[_V]:
    import cv2

    rows, columns = map_.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, zoom)
    framed = cv2.warpAffine(
        np.ascontiguousarray(map_), matrix, (columns, rows), flags=interpolation
    )
    found: NDArray[_V] = cv2.resize(framed, size[::-1], interpolation=interpolation)
    return found


def _hwc(image_CHW: Tensor) -> Real:
    image_HWC: Real = image_CHW.permute(1, 2, 0).float().numpy()
    return image_HWC


def _wrapped(image_HW3: Real) -> Tensor:
    """Bytes of an image, (3,H,W), as C makes them of floats."""
    return torch.from_numpy(image_HW3.astype(np.int64).astype(np.uint8)).permute(2, 0, 1)
