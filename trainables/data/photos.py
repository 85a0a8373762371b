"""Image files of every kind, as arrays. Photographs are read by Pillow; see ``rasters.py``.

Shape letters: H rows, W columns, C bands.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.data import files, rasters, tiffs
from trainables.data.dataset import DataError
from trainables.data.rasters import Pixels

Alpha = Literal["", "opaque", "varies", "band"]
"""Transparency: none; left out, opaque everywhere or not; or kept as a band."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".npy")
"""Of single images."""
_MODES = ("RGB", "L", "P", "1", "RGBA", "CMYK", "YCbCr", "LA")


class Photo(NamedTuple):
    """An image file."""

    image_HWC: Pixels
    """Turned as its EXIF orientation says, unless its mask shows that it must not be."""
    content: bytes
    turned: bool
    alpha: Alpha = ""
    orientation: int = 1
    """EXIF's, 1..8, whether or not the image is turned by it."""


def read_image(path: Path, size: tuple[int, int] | None = None, photograph: bool = False) -> Photo:
    """The image in this file: uint8 RGB, or its own bands in uint8, uint16 or float32.

    Args:
        size: rows and columns of its mask, if it has one.
        photograph: refuse what is not 8-bit grey or RGB.

    Raises:
        DataError: it cannot be decoded or has values that no network could use.
    """
    content = files.read_bytes(path)
    if photograph:
        return _photograph(path, content, size)
    if rasters.is_numpy(path):
        return Photo(rasters.read_numpy(path, content, size), content, turned=False)
    if rasters.is_deep_png(content):
        image_HWC = rasters.read_deep_png(path, content)
        photo = _oriented(image_HWC, content, files.orientation_of(content), size)
        return photo._replace(alpha="band") if image_HWC.shape[2] == 4 else photo
    raster = tiffs.open_raster(path, content) if tiffs.is_tiff(content) else None
    if raster is not None and not raster.is_photograph:
        photo = _oriented(raster.read(), content, raster.orientation, size)
        return photo._replace(alpha="band") if raster.has_alpha else photo
    return _photograph(path, content, size)


def _oriented(
    image_HWC: Pixels, content: bytes, orientation: int, size: tuple[int, int] | None
) -> Photo:
    """The image as it is to be seen, or as it is stored if the mask fits that alone."""
    stored, seen = image_HWC.shape[:2], rasters.turned(image_HWC, orientation)
    if size is not None and size == stored and size != seen.shape[:2]:
        return Photo(image_HWC, content, turned=False, orientation=orientation)
    return Photo(seen, content, orientation > 1, orientation=orientation)


def _photograph(path: Path, content: bytes, size: tuple[int, int] | None) -> Photo:
    image = files.open_image(path, content)
    if image.mode not in _MODES:
        raise DataError(f"{path}: an image must be 8-bit grey or RGB, got mode {image.mode}")
    seen = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    turned = bool(image.info["turned"])
    orientation = files.orientation_of(content) if turned else 1
    photo = Photo(seen, content, turned, _alpha(image), orientation)
    if turned and size is not None and size != seen.shape[:2] == size[::-1]:
        return photo._replace(image_HWC=rasters.turned(seen, _BACK[orientation]), turned=False)
    return photo


_BACK = {**{value: value for value in range(1, 9)}, 6: 8, 8: 6}
"""The orientation that undoes another."""


def _alpha(image: Image.Image) -> Alpha:
    if not image.has_transparency_data:
        return ""
    opaque = image.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    return "opaque" if opaque else "varies"


def resize(image_HWC: Pixels, size: tuple[int, int] | None) -> Pixels:
    """Resize to (rows, columns), bilinear with antialiasing; whole numbers stay whole."""
    if size is None or image_HWC.shape[:2] == size:
        return image_HWC
    to = size[1], size[0]
    if image_HWC.dtype == np.uint8 and image_HWC.shape[2] == 3:
        small = Image.fromarray(image_HWC).resize(to, Image.Resampling.BILINEAR)
        return np.asarray(small)
    bands = [_resized(image_HWC[..., band], to) for band in range(image_HWC.shape[2])]
    small_HWC = np.stack(bands, axis=2)
    if image_HWC.dtype == np.float32:
        return small_HWC
    return np.rint(small_HWC).astype(image_HWC.dtype)  # means stay between the values


def _resized(band_HW: NDArray[np.generic], to: tuple[int, int]) -> NDArray[np.float32]:
    whole = Image.fromarray(np.ascontiguousarray(band_HW, dtype=np.float32))
    return np.asarray(whole.resize(to, Image.Resampling.BILINEAR), dtype=np.float32)
