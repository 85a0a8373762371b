"""Opening image and mask files, and saying what is wrong with the ones that cannot be used.

Shape letters: H rows, W columns, C colours.
"""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.data.dataset import DataError

_MOST_PIXELS = 178_956_970
"""Pillow's own bound, above which it warns; here it is an error."""
Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
_MASK_MODES = ("L", "P", "1")
_IMAGE_MODES = ("RGB", "L", "P", "1", "RGBA", "CMYK", "YCbCr", "LA")


def folder(root: str, dataset: str) -> Path:
    """The dataset's folder, proven to be there.

    Raises:
        DataError: no folder was given, or it is not there.
    """
    if not root:
        raise DataError(f"dataset {dataset} needs a folder: --data DIR")
    path = Path(root).expanduser()
    if not path.is_dir():
        raise DataError(f"data/root must be an existing folder, got {root!r}")
    return path


def descend(root: Path, *names: str) -> Path:
    """Into each of these children that is there: both `DIR` and `DIR/VOCdevkit` can be given."""
    for name in names:
        root = root / name if (root / name).is_dir() else root
    return root


def require_pairs(images: Path, masks: Path) -> None:
    """Raise a DataError for a mask that has no image. (A sample misses its mask by itself.)"""
    stems = {path.stem for path in images.glob("*") if path.is_file()}
    for mask in sorted(masks.glob("*")):
        if mask.is_file() and not mask.name.startswith(".") and mask.stem not in stems:
            raise DataError(f"{mask}: no image of that name in {images}")


def open_image(path: Path, content: bytes, *, deep: bool = False) -> Image.Image:
    """The decoded image, or a DataError that names its file; ``deep`` admits 16 bits a channel."""
    try:
        image = Image.open(io.BytesIO(content))
        if image.width * image.height > _MOST_PIXELS:
            raise DataError(
                f"{path}: must have at most {_MOST_PIXELS} pixels, got {image.width}x{image.height}"
            )
        packed = [str(tile.args) for tile in image.tile]
        image.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be decoded: {error}") from None
    if not deep and any(";16" in form for form in packed):  # Pillow halves RGB;16B in silence
        raise DataError(f"{path}: must have 8 bits a channel, got 16")
    return image


def require_inside(root: Path, paths: Iterable[Path]) -> None:
    """Raise a DataError for a file that a link below the dataset's folder leads out of it.

    The folder itself may be a link, and may lie behind one.
    """
    whole = root.resolve()
    for path in paths:
        if not path.resolve().is_relative_to(whole):
            raise DataError(f"{path}: a link that leads out of the dataset's folder {root}")


def read_bytes(path: Path) -> bytes:
    """The file's content, or a DataError that names it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def read_image(path: Path) -> tuple[NDArray[np.uint8], bytes]:
    """(H,W,C) uint8 RGB, and the file's content."""
    content = read_bytes(path)
    image = open_image(path, content)
    if image.mode not in _IMAGE_MODES:
        raise DataError(f"{path}: an image must be 8-bit grey or RGB, got mode {image.mode}")
    return np.asarray(image.convert("RGB")), content


def resize_image(image_HWC: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """To (rows, columns), bilinear with antialiasing."""
    if size is None or image_HWC.shape[:2] == size:
        return image_HWC
    small = Image.fromarray(image_HWC).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(small)


def read_mask(path: Path) -> tuple[NDArray[np.uint8], bytes]:
    """(H,W) uint8 class numbers as they stand in the file (palette indices for a palette file)."""
    content = read_bytes(path)
    image = open_image(path, content)
    if image.mode not in _MASK_MODES:
        raise DataError(f"{path}: a mask must be 8-bit with one channel, got mode {image.mode}")
    return np.asarray(image, dtype=np.uint8), content


def resize_mask(mask_HW: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Nearest neighbour: a label is never mixed with another."""
    if size is None or mask_HW.shape == size:
        return mask_HW
    small = Image.fromarray(mask_HW).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(small)
