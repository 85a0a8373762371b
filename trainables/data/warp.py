"""Geometric augmentation of a training image and its labels, in one interpolation.

Rotation, elastic deformation and grid distortion are composed to one map from the places of the
crop to places of the image, so that the image is interpolated once, whatever is on. What lies
outside the image is grey, and void in the labels; labels are never mixed (nearest).
Shape letters: H rows, W columns, C colours.
"""

from typing import Protocol, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data.images import Size

GREY = 124
"""ImageNet's mean, which normalisation turns into zero."""
_FIELDS = 5
"""Of the grid distortion, along each side, as in albumentations."""
PLACES = 3
"""Of the elastic deformation, along each side: "a coarse 3 by 3 grid" (U-Net)."""
_BANDS_AT_ONCE = 4
"""OpenCV fills what is outside in no more bands at once."""
_V = TypeVar("_V", bound=np.generic)
Places = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Columns x (H,W) and rows y (H,W)."""


class Draws(Protocol):
    """Random numbers of one image, a stream for each purpose."""

    def generator(self, purpose: str) -> Generator: ...


def is_on(config: DataConfig) -> bool:
    """Whether any of these augmentations is on."""
    return bool(config.rotate or config.elastic or config.grid_distortion)


def places_at(corner: tuple[int, int], config: DataConfig, size: Size, draws: Draws) -> Places:
    """Where each pixel of the crop whose corner lies here, before it is deformed, comes from."""
    x, y = places_of(config, size, draws)
    return x + np.float32(corner[1]), y + np.float32(corner[0])


def interpolated(
    image_HWC: NDArray[np.generic], places: Places, fill: float = GREY
) -> NDArray[np.generic]:
    """The image at these places, of the type given.

    Args:
        image_HWC: of any number of bands; uint8, uint16 or float32.
        places: in pixels of the image.
        fill: the value outside.
    """
    import cv2  # takes a while to import, and is needed for these augmentations alone

    image = np.ascontiguousarray(image_HWC)
    bands = [
        cv2.remap(
            image[..., first : first + _BANDS_AT_ONCE],
            *places,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(fill,) * _BANDS_AT_ONCE,
        ).reshape(*places[0].shape, -1)
        for first in range(0, image.shape[2], _BANDS_AT_ONCE)
    ]
    return np.concatenate(bands, axis=2)


def nearest(map_: NDArray[_V], places: Places, missing: int) -> NDArray[_V]:
    """Labels (H,W), or a map (H,W) or (H,W,3) beside them, at these places; ``missing`` outside."""
    import cv2

    found: NDArray[_V] = cv2.remap(
        np.ascontiguousarray(map_),
        *places,
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(missing,) * _BANDS_AT_ONCE,
    )
    return found


def places_of(config: DataConfig, size: Size, draws: Draws) -> Places:
    """Where each pixel of a crop comes from, in pixels from the crop's corner."""
    rows, columns = size
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    if config.grid_distortion:
        along_x, along_y = stretched(config, size, draws)
        x, y = np.broadcast_to(along_x, size), np.broadcast_to(along_y[:, None], size)
    if config.elastic:
        import cv2

        by_x, by_y = (
            cv2.resize(each, (columns, rows), interpolation=cv2.INTER_CUBIC)
            for each in moved(config, draws)
        )
        x, y = x + by_x, y + by_y
    if config.rotate:
        x, y = _rotated(x, y, angle_of(config, draws), size)
    return x, y


def stretched(config: DataConfig, size: Size, draws: Draws) -> Places:
    """Where each column and each row comes from, (W,) and (H,), by ``data/grid_distortion``."""
    random, limit = draws.generator("grid_distortion"), config.grid_distortion
    rows, columns = size
    along_x = _stretched(columns, limit, random)
    return along_x, _stretched(rows, limit, random)


def moved(config: DataConfig, draws: Draws) -> NDArray[np.float32]:
    """By how much ``data/elastic`` moves x and y at its 3 x 3 places, (2,3,3)."""
    by = draws.generator("elastic").normal(0, config.elastic, (2, PLACES, PLACES))
    return by.astype(np.float32)


def angle_of(config: DataConfig, draws: Draws) -> float:
    """The angle of ``data/rotate``, in radians."""
    return float(np.deg2rad(draws.generator("rotate").uniform(-config.rotate, config.rotate)))


def _stretched(side: int, limit: float, random: Generator) -> NDArray[np.float32]:
    """Places 0 .. side - 1 along a side, each field stretched by its own factor; the ends stay."""
    widths = 1 + random.uniform(-limit, limit, _FIELDS)
    knots = np.concatenate(([0.0], np.cumsum(widths) / widths.sum())) * (side - 1)
    even = np.linspace(0, side - 1, _FIELDS + 1)
    return np.interp(np.arange(side), even, knots).astype(np.float32)


def _rotated(x: NDArray[np.float32], y: NDArray[np.float32], angle: float, size: Size) -> Places:
    """Turn the places about the middle of the crop; the image turns the other way."""
    middle_y, middle_x = (np.float32((side - 1) / 2) for side in size)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    right, down = x - middle_x, y - middle_y
    return middle_x + cos * right - sin * down, middle_y + sin * right + cos * down
