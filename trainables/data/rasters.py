"""Images that are no 8-bit photographs: NumPy files, 16-bit PNGs, deep, float and many-band TIFFs.

Values become uint8, uint16 or float32, never another number than the file's.
Shape letters: H rows, W columns, C bands.
"""

import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from trainables.config import refused
from trainables.config.pixels import MOST_BANDS, described
from trainables.config.pixels import Pixels as Kind
from trainables.data.dataset import DataError

Pixels = NDArray[np.uint8 | np.uint16 | np.float32]
"""An image (H,W,C)."""
MOST_PIXELS = 100_000_000
_EXACT = 2**24
"""Whole numbers up to this are exact in float32."""
_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_BANDS = {0: 1, 2: 3, 4: 2, 6: 4}
"""By a PNG's type of colour."""


def is_numpy(path: Path) -> bool:
    return path.suffix.lower() == ".npy"


def is_deep_png(content: bytes) -> bool:
    """Whether a file is a PNG with 16 bits a channel."""
    return content.startswith(_PNG) and len(content) > 25 and content[24] == 16


def read_numpy(path: Path, content: bytes, size: tuple[int, int] | None) -> Pixels:
    """The image (H,W), (H,W,C) or (C,H,W) of a NumPy file.

    Args:
        size: of its mask, which tells rows and columns from bands; None where there is no mask.

    Raises:
        DataError: it is damaged, holds Python objects, or its bands cannot be told.
    """
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        raise DataError(f"{path}: cannot be decoded: {str(error).splitlines()[0]}") from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: must hold one array, as numpy.save writes it")
    return stored(path, bands_last(path, array, size))


def bands_last(
    path: Path, array: NDArray[np.generic], size: tuple[int, int] | None
) -> NDArray[np.generic]:
    """An array of unnamed axes as (H,W,C).

    Raises:
        DataError: it has other than two or three axes, or both ends may be the bands.
    """
    if array.ndim == 2:
        return array[:, :, None]
    if array.ndim != 3:
        raise DataError(f"{path}: must be (rows, columns, bands), got shape {array.shape}")
    first, last = array.shape[0] <= MOST_BANDS, array.shape[2] <= MOST_BANDS
    if size is not None and first == last:
        first, last = array.shape[1:] == size, array.shape[:2] == size
    if first == last:
        raise DataError(
            f"{path}: must be (rows, columns, bands) with at most {MOST_BANDS} bands, or (bands, "
            f"rows, columns); shape {array.shape} fits {'both' if first else 'neither'}"
        )
    return np.moveaxis(array, 0, 2) if first else array


def read_deep_png(path: Path, content: bytes) -> Pixels:
    """A PNG with 16 bits a channel: Pillow would halve those of colours."""
    import cv2  # takes a while to import, and photographs do not need it

    rows, columns = (int.from_bytes(content[at : at + 4], "big") for at in (20, 16))
    require_pixels(path, rows, columns)
    bands = _PNG_BANDS.get(content[25])
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    found = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flags)
    if found is None or found.dtype != np.uint16:
        raise DataError(f"{path}: cannot be decoded: damaged or incomplete")
    image_HWC = found.reshape(*found.shape[:2], -1)
    if image_HWC.shape[2] != bands:
        raise DataError(f"{path}: 16-bit grey with transparency cannot be read; save it without")
    order = [2, 1, 0, 3][:bands] if bands != 1 else [0]  # OpenCV's is blue, green, red
    return np.ascontiguousarray(image_HWC[:, :, order])


def require_pixels(path: Path, rows: int, columns: int) -> None:
    """Raise a DataError for an image that takes gigabytes to decode."""
    if rows * columns > MOST_PIXELS:
        raise DataError(f"{path}: must have at most {MOST_PIXELS} pixels, got {columns}x{rows}")


def stored(path: Path, image_HWC: NDArray[np.generic]) -> Pixels:
    """An image's values as uint8, uint16 or float32; 8-bit grey as RGB, like any photograph.

    Raises:
        DataError: too many bands or pixels, values that float32 does not hold exactly, or values
            that are no numbers.
    """
    rows, columns, bands = image_HWC.shape
    require_pixels(path, rows, columns)
    if not (rows and columns and 1 <= bands <= MOST_BANDS):
        raise DataError(
            f"{path}: must have pixels and 1..{MOST_BANDS} bands, got shape {image_HWC.shape}"
        )
    if image_HWC.dtype == np.bool_:
        image_HWC = image_HWC.astype(np.uint8) * np.uint8(255)
    if image_HWC.dtype == np.uint8:
        return np.ascontiguousarray(image_HWC if bands > 1 else np.repeat(image_HWC, 3, axis=2))
    if (image_HWC.dtype.kind, image_HWC.dtype.itemsize) == ("u", 2):  # in any byte order
        return np.ascontiguousarray(image_HWC, dtype=np.uint16)
    return _as_float(path, image_HWC)


def _as_float(path: Path, image_HWC: NDArray[np.generic]) -> Pixels:
    kind = image_HWC.dtype.kind
    if kind not in "iuf":
        raise DataError(f"{path}: values must be whole numbers or floats, got {image_HWC.dtype}")
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(image_HWC, dtype=np.float32)
    require_finite(path, found)
    if kind != "f" and image_HWC.dtype.itemsize > 2:
        largest = max(-int(image_HWC.min()), int(image_HWC.max()))
        if largest > _EXACT:
            raise DataError(
                f"{path}: {image_HWC.dtype} values must be -{_EXACT}..{_EXACT}, which float32 "
                f"holds exactly, got {largest}"
            )
    return found


def require_image(name: str, image_HWC: Pixels, labels_HW: NDArray[np.uint8]) -> None:
    """Raise a DataError unless an image and its labels have the types and shapes of a sample."""
    known = image_HWC.dtype in _TYPES and labels_HW.dtype == np.uint8
    fits = image_HWC.ndim == 3 and image_HWC.shape[:2] == labels_HW.shape
    if not (known and fits and 1 <= image_HWC.shape[2] <= MOST_BANDS):
        raise DataError(
            f"{name}: must be an image (H,W,C) of uint8, uint16 or float32 with 1..{MOST_BANDS} "
            f"bands and uint8 labels (H,W), got {image_HWC.dtype} {image_HWC.shape} and "
            f"{labels_HW.dtype} {labels_HW.shape}"
        )
    if image_HWC.dtype == np.float32:
        require_finite(name, image_HWC.astype(np.float32, copy=False))


def require_finite(path: Path | str, image_HWC: NDArray[np.float32]) -> None:
    """Raise a DataError that counts the pixels without a number."""
    if wrong := int((~np.isfinite(image_HWC)).any(axis=2).sum()):
        raise DataError(
            f"{path}: {wrong} of {image_HWC[..., 0].size} pixels are not finite (NaN or infinite): "
            f"fill them, and make them void in the mask"
        )


_TURNS = {2: (False, False, True), 3: (False, True, True), 4: (False, True, False)}
_TURNS |= {5: (True, False, False), 6: (True, False, True)}
_TURNS |= {7: (True, True, True), 8: (True, True, False)}
"""By EXIF's orientation: whether axes are swapped, then rows reversed, then columns."""


def turned(image_HWC: Pixels, orientation: int) -> Pixels:
    """An image as its EXIF orientation says it is to be seen."""
    swapped, up, left = _TURNS.get(orientation, (False, False, False))
    image_HWC = image_HWC.swapaxes(0, 1) if swapped else image_HWC
    return np.ascontiguousarray(image_HWC[:: -1 if up else 1, :: -1 if left else 1])


def bits_of(image_HWC: Pixels) -> int:
    """Of a value: 8, 16 or 32."""
    return 8 * image_HWC.dtype.itemsize


def require_same(pixels: Kind, image_HWC: Pixels, what: str) -> None:
    """Raise a ValueError if a network was trained on images of another kind than this one."""
    image = pixels.of_image
    if (image.bands, image.bits) != (image_HWC.shape[2], bits_of(image_HWC)):
        raise refused(what, f"of {image.kind}, as the network was trained on", kind_of(image_HWC))


def kind_of(image_HWC: Pixels) -> str:
    """``7 bands, 16-bit``."""
    return described(image_HWC.shape[2], bits_of(image_HWC))
