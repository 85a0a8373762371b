"""Open image and mask files; a bad one raises an error that names the file and the fault.

Shape letters: H rows, W columns, C colours.
"""

import io
import struct
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from trainables.data.dataset import DataError

_MOST_PIXELS = 100_000_000
"""A file of a few hundred kilobytes can hold more, and take gigabytes to decode."""
Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # an error here
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
_ANIMATED = ("PNG", "TIFF", "WEBP", "GIF")
_JUNK = ("thumbs.db", "desktop.ini", "ehthumbs.db")
_ORIENTATION = 0x0112


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
    """Raise a DataError for masks without an image. (Each sample checks for its own mask.)"""
    stems = {path.stem for path in images.glob("*") if path.is_file()}
    single = [
        mask
        for mask in sorted(masks.glob("*"))
        if mask.is_file() and not is_junk(mask) and mask.stem not in stems
    ]
    if single:
        others = [mask.name for mask in single[1:5]]
        more = f"; nor of {', '.join(others)}" if others else ""
        left = f" and {len(single) - 5} more" if len(single) > 5 else ""
        raise DataError(f"{single[0]}: no image of that name in {images}{more}{left}")


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
    image.info |= {"stored": packed[0] if packed else "", "format": image.format}
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
    turned.info |= {"stored": info["stored"], "format": info["format"]}
    turned.info["turned"] = max(left, tagged) > 1
    return turned


def require_inside(
    root: Path, paths: Iterable[Path], links: str, named: Iterable[Path] = ()
) -> None:
    """Raise a DataError for a file outside the dataset's folder that a link below it leads to.

    The folder itself may be a link, or lie behind one, and so may ``named``, the folders below it
    that the user has named. ``links`` is the field ``data/links``.
    """
    if links == "follow":
        return
    allowed = [folder.resolve() for folder in (root, *named)]
    for path in paths:
        resolved = path.resolve()
        if not any(resolved.is_relative_to(whole) for whole in allowed):
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


def resize_mask(mask_HW: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Resize to (rows, columns) by nearest neighbour, which never mixes labels."""
    if size is None or mask_HW.shape == size:
        return mask_HW
    small = Image.fromarray(mask_HW).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(small)
