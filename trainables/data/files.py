"""Open image and mask files; a bad one raises an error that names the file and the fault.

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
"""Pillow's own limit. Pillow only warns about larger images; here they are an error."""
Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
_MASK_MODES = ("L", "P", "1")
_IMAGE_MODES = ("RGB", "L", "P", "1", "RGBA", "CMYK", "YCbCr", "LA")


def folder(root: str, dataset: str) -> Path:
    """The dataset's folder, checked to exist.

    Raises:
        DataError: no folder was given, or it does not exist.
    """
    if not root:
        raise DataError(f"dataset {dataset} needs a folder: --data DIR")
    path = Path(root).expanduser()
    if not path.is_dir():
        raise DataError(f"data/root must be an existing folder, got {root!r}")
    return path


def descend(root: Path, *names: str) -> Path:
    """Enter each of these children that exists, so that users may give `DIR` or `DIR/VOCdevkit`."""
    for name in names:
        root = root / name if (root / name).is_dir() else root
    return root


def require_pairs(images: Path, masks: Path) -> None:
    """Raise a DataError for a mask without an image. (Each sample checks for its own mask.)"""
    stems = {path.stem for path in images.glob("*") if path.is_file()}
    for mask in sorted(masks.glob("*")):
        if mask.is_file() and not mask.name.startswith(".") and mask.stem not in stems:
            raise DataError(f"{mask}: no image of that name in {images}")


def open_image(path: Path, content: bytes, *, deep: bool = False) -> Image.Image:
    """The decoded image; ``deep`` allows 16 bits per channel. A bad file raises a DataError."""
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
    if not deep and any(";16" in form for form in packed):  # Pillow silently halves RGB;16B
        raise DataError(f"{path}: must have 8 bits a channel, got 16")
    return image


def require_inside(root: Path, paths: Iterable[Path]) -> None:
    """Raise a DataError for a file outside the dataset's folder that a link below it leads to.

    The folder itself may be a link, or lie behind one.
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
    """(H,W,C) uint8 RGB, and the file's content in bytes."""
    content = read_bytes(path)
    image = open_image(path, content)
    if image.mode not in _IMAGE_MODES:
        raise DataError(f"{path}: an image must be 8-bit grey or RGB, got mode {image.mode}")
    return np.asarray(image.convert("RGB")), content


def resize_image(image_HWC: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Resize to (rows, columns), bilinear with antialiasing."""
    if size is None or image_HWC.shape[:2] == size:
        return image_HWC
    small = Image.fromarray(image_HWC).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(small)


def read_mask(path: Path) -> tuple[NDArray[np.uint8], bytes]:
    """(H,W) uint8 values as stored (for a palette file, the indices), and the file's content."""
    content = read_bytes(path)
    image = open_image(path, content)
    if image.mode not in _MASK_MODES:
        raise DataError(f"{path}: a mask must be 8-bit with one channel, got mode {image.mode}")
    return np.asarray(image, dtype=np.uint8), content


def resize_mask(mask_HW: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Resize to (rows, columns) by nearest neighbour, which never mixes labels."""
    if size is None or mask_HW.shape == size:
        return mask_HW
    small = Image.fromarray(mask_HW).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(small)
