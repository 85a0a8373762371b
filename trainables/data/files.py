"""Open image and mask files; a bad one raises an error that names the file and the fault.

Shape letters: H rows, W columns, C colours.
"""

import io
import struct
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from trainables.data import volume_files
from trainables.data.dataset import DataError

_MOST_PIXELS = 100_000_000
"""A file of a few hundred kilobytes can hold more, and take gigabytes to decode."""
Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # an error here
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
_ANIMATED = ("PNG", "TIFF", "WEBP", "GIF")
_JUNK = ("thumbs.db", "desktop.ini", "ehthumbs.db")
_ORIENTATION = 0x0112
_MASK_MODES = ("L", "P", "1")
_COLOUR_MASK_MODES = ("RGB", "RGBA", "LA")
_STRETCHED = {"L;2": 85, "L;4": 17}
"""By Pillow's name of a grey PNG with 2 or 4 bits: its factor, which spreads values over 0..255."""


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
        if mask.is_file() and not is_junk(mask) and mask.stem not in stems:
            raise DataError(f"{mask}: no image of that name in {images}")


def marked(how: str, content: bytes) -> bytes:
    """A file's content for the first version of the digest, which did not read it this way."""
    return f"{how}\0".encode() + content


def is_junk(path: Path) -> bool:
    """Whether an operating system put this file there: `Thumbs.db`, `.DS_Store`, `._1.png`."""
    return path.name.startswith(".") or path.name.lower() in _JUNK


def open_image(
    path: Path, content: bytes, *, deep: bool = False, deep_remedy: str = ""
) -> Image.Image:
    """The decoded image, turned as its EXIF orientation says; ``info["turned"]`` tells if it was.

    Args:
        path: for messages.
        content: of the file.
        deep: whether 16 bits per channel are allowed.
        deep_remedy: the end of the message where they are not.

    Raises:
        DataError: it cannot be decoded, is too large, or holds several images.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        if image.width * image.height > _MOST_PIXELS:
            raise DataError(
                f"{path}: must have at most {_MOST_PIXELS} pixels, got {image.width}x{image.height}"
            )
        packed = [str(tile.args) for tile in image.tile]
        frames = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
        # A TIFF is turned, and loses its tag, when it is loaded.
        tagged = _orientation(image) if image.format == "TIFF" else 1
        image.load()
    except UnidentifiedImageError:
        raise DataError(f"{path}: cannot be decoded: it is no image of a known format") from None
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: must have at most {_MOST_PIXELS} pixels: {error}") from None
    except (OSError, SyntaxError) as error:
        raise DataError(f"{path}: cannot be decoded: {error}") from None
    if frames > 1:
        raise DataError(f"{path}: must hold one image, got {frames}")
    if not deep and any(";16" in form for form in packed):  # Pillow silently halves RGB;16B
        raise DataError(f"{path}: must have 8 bits a channel, got 16{deep_remedy}")
    image.info["stored"] = packed[0] if packed else ""
    return _turned(image, tagged)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1..8. A tag that cannot be read turns nothing, as in any viewer."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return value if value in range(1, 9) else 1


def orientation_of(content: bytes) -> int:
    """EXIF's orientation of a file that Pillow opens, 1..8."""
    return _orientation(Image.open(io.BytesIO(content), formats=_FORMATS))


def _turned(image: Image.Image, tagged: int) -> Image.Image:
    info = image.info
    left = max(_orientation(image), 1)
    turned = image if left == 1 else ImageOps.exif_transpose(image)
    turned.info |= {"stored": info["stored"], "turned": max(left, tagged) > 1}
    return turned


def require_inside(root: Path, paths: Iterable[Path], links: str) -> None:
    """Raise a DataError for a file outside the dataset's folder that a link below it leads to.

    The folder itself may be a link, or lie behind one. ``links`` is the field ``data/links``.
    """
    if links == "follow":
        return
    whole = root.resolve()
    for path in paths:
        if not path.resolve().is_relative_to(whole):
            raise DataError(
                f"{path}: a link that leads out of the dataset's folder {root}; to follow such "
                f"links: --set data/links=follow"
            )


def read_bytes(path: Path) -> bytes:
    """The file's content, or a DataError that names it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


class Mask(NamedTuple):
    """A mask file as it is stored."""

    values_HW: NDArray[np.uint8]
    """(D,H,W) of a volume: grey values, or indices of the palette; zeros for a mask in colours."""
    palette_256C: NDArray[np.uint8] | None
    """RGB of each index of a palette file."""
    colours_HWC: NDArray[np.uint8] | None
    """The pixels of a mask in colours."""
    bits: int
    """Bits of a grey value: a mask of one bit holds 0 and 1."""
    content: bytes


def read_mask(path: Path, *, colours: bool = False, deep_remedy: str = "") -> Mask:
    """The mask in this file; ``colours`` allows RGB, ``deep_remedy`` is for ``open_image``.

    Raises:
        DataError: it cannot be decoded, or its values are not classes.
    """
    content = read_bytes(path)
    if volume_files.is_array(path):
        return Mask(volume_files.label_values(path), None, None, 8, content)
    image = open_image(path, content, deep_remedy=deep_remedy)
    if image.mode in _COLOUR_MASK_MODES:
        return _in_colours(path, image, content, colours)
    if image.mode not in _MASK_MODES:
        raise DataError(
            f"{path}: a mask must be 8-bit with one channel, got mode {image.mode}{deep_remedy}"
        )
    values_HW = np.asarray(image, dtype=np.uint8)
    factor = stretch(image)
    if factor > 1 or image.info["turned"]:
        content = marked(f"{image.info['stored']} turned: {image.info['turned']}", content)
    palette = image.convert("P").getpalette("RGB") if image.mode == "P" else None
    palette_256C = None
    if palette is not None:
        palette_256C = np.zeros((256, 3), dtype=np.uint8)
        palette_256C[: len(palette) // 3] = np.reshape(palette, (-1, 3))
    bits = 1 if image.mode == "1" else 8
    return Mask(values_HW // np.uint8(factor), palette_256C, None, bits, content)


def stretch(image: Image.Image) -> int:
    """The factor by which Pillow has multiplied the values of a grey file of 2 or 4 bits."""
    return _STRETCHED.get(image.info["stored"], 1)


def _in_colours(path: Path, image: Image.Image, content: bytes, allowed: bool) -> Mask:
    if not allowed:
        raise DataError(
            f"{path}: a mask must be 8-bit with one channel, got mode {image.mode}; a mask in "
            f"colours needs the layout folder and a colour of every class in classes.txt: "
            f"`cell 255 255 255`"
        )
    if "A" in image.mode and image.getchannel("A").getextrema() != (255, 255):
        raise DataError(f"{path}: a mask must be opaque, got transparent pixels")
    colours_HWC = np.asarray(image.convert("RGB"))
    return Mask(np.zeros(colours_HWC.shape[:2], np.uint8), None, colours_HWC, 8, content)


def resize_mask(mask_HW: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Resize to (rows, columns) by nearest neighbour, which never mixes labels."""
    if size is None or mask_HW.shape == size:
        return mask_HW
    small = Image.fromarray(mask_HW).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(small)
