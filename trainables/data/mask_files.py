"""Open mask files: grey values, indices of a palette, or colours, as they are stored.

Shape letters: H rows, W columns, C colours.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.data import files, volume_files
from trainables.data.dataset import DataError

_MODES = ("L", "P", "1")
_COLOUR_MODES = ("RGB", "RGBA", "LA")
_STRETCHED = {"L;2": 85, "L;4": 17}
"""By Pillow's name of a grey PNG with 2 or 4 bits: its factor, which spreads values over 0..255."""


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


def read_mask(
    path: Path, *, colours: bool = False, grey: bool = False, deep_remedy: str = ""
) -> Mask:
    """The mask in this file; ``colours`` allows RGB, ``grey`` greys that are stored as RGB;
    ``deep_remedy`` is for ``open_image``.

    Raises:
        DataError: it cannot be decoded, or its values are not classes.
    """
    content = files.read_bytes(path)
    if volume_files.is_array(path):
        return Mask(volume_files.label_values(path), None, None, 8, content)
    image = files.open_image(path, content, deep_remedy=deep_remedy)
    if image.mode in _COLOUR_MODES:
        return _in_colours(path, image, content, colours, grey)
    if image.mode not in _MODES:
        raise DataError(
            f"{path}: a mask must be 8-bit with one channel, got mode {image.mode}{deep_remedy}"
        )
    values_HW = np.asarray(image, dtype=np.uint8)
    factor = stretch(image)
    if factor > 1 or image.info["turned"]:
        content = files.marked(f"{image.info['stored']} turned: {image.info['turned']}", content)
    palette_256C = _palette_of(image)
    if palette_256C is not None and image.info["format"] == "GIF" and _is_all_grey(palette_256C):
        # A GIF has no other way to be grey, and its writers number the greys that they find.
        return _grey_of_gif(palette_256C[:, 0], values_HW, content)
    bits = 1 if image.mode == "1" else 8
    return Mask(values_HW // np.uint8(factor), palette_256C, None, bits, content)


def _palette_of(image: Image.Image) -> NDArray[np.uint8] | None:
    palette = image.convert("P").getpalette("RGB") if image.mode == "P" else None
    if palette is None:
        return None
    palette_256C = np.zeros((256, 3), dtype=np.uint8)
    palette_256C[: len(palette) // 3] = np.reshape(palette, (-1, 3))
    return palette_256C


def _is_all_grey(palette_256C: NDArray[np.uint8]) -> bool:
    return bool((palette_256C == palette_256C[:, :1]).all())


def _grey_of_gif(
    greys_256: NDArray[np.uint8], values_HW: NDArray[np.uint8], content: bytes
) -> Mask:
    greys_HW = greys_256[values_HW]
    if (greys_HW != values_HW).any():
        content = files.marked("greys", content)
    return Mask(greys_HW, None, None, 8, content)


def stretch(image: Image.Image) -> int:
    """The factor by which Pillow has multiplied the values of a grey file of 2 or 4 bits."""
    return _STRETCHED.get(image.info["stored"], 1)


def _in_colours(path: Path, image: Image.Image, content: bytes, allowed: bool, grey: bool) -> Mask:
    colours_HWC = np.asarray(image.convert("RGB"))
    is_grey = grey and bool((colours_HWC == colours_HWC[..., :1]).all())
    if not (allowed or is_grey):
        raise DataError(
            f"{path}: a mask must be 8-bit with one channel, got mode {image.mode}; a mask in "
            f"colours needs the layout folder and a colour of every class in classes.txt, "
            f"`cell 255 255 255`, or in --classes, `cell=255/255/255`"
        )
    if "A" in image.mode and image.getchannel("A").getextrema() != (255, 255):
        raise DataError(f"{path}: a mask must be opaque, got transparent pixels")
    if not allowed:
        return Mask(colours_HWC[..., 0].copy(), None, None, 8, files.marked("grey", content))
    return Mask(np.zeros(colours_HWC.shape[:2], np.uint8), None, colours_HWC, 8, content)
