"""TIFF and GeoTIFF images that Pillow cannot read as they are: deep, float, or of many bands.

The file's own metadata say which axis is which. Shape letters: H rows, W columns, C bands.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainables.data.dataset import DataError
from trainables.data.rasters import Pixels, require_pixels, stored

if TYPE_CHECKING:
    from tifffile import TiffPageSeries

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_ALPHA = (1, 2)
_ORIENTATION, _NODATA = 274, 42113
_BANDS, _SLICES = "CS", "ZT"
"""Axes as tifffile names them: channels and samples; depth and time."""


class Raster:
    """A TIFF file's image and what its metadata say of it."""

    def __init__(self, path: Path, series: "TiffPageSeries", pages: int) -> None:
        self.path, self._series, self._page, self._pages = path, series, series.keyframe, pages

    @property
    def is_photograph(self) -> bool:
        """Whether Pillow reads it: one page of at most 8 bits a channel, in grey or in colours."""
        page, extra = self._page, tuple(map(int, self._page.extrasamples))
        of_kind = {
            _WHITE_IS_ZERO: 1,
            _BLACK_IS_ZERO: 1,
            _RGB: 3,
            _PALETTE: 1,
            _CMYK: 4,
            _YCBCR: 3,
        }
        alpha = len(extra) == 1 and extra[0] in _ALPHA
        colours = page.samplesperpixel - alpha
        one = self._pages == 1
        return one and page.bitspersample <= 8 and of_kind.get(int(page.photometric)) == colours

    @property
    def orientation(self) -> int:
        """EXIF's, 1..8."""
        tag = self._page.tags.get(_ORIENTATION)
        value = 1 if tag is None else tag.value
        return value if isinstance(value, int) and value in range(1, 9) else 1

    @property
    def has_alpha(self) -> bool:
        return any(int(extra) in _ALPHA for extra in self._page.extrasamples)

    def read(self) -> Pixels:
        """The image (H,W,C).

        Raises:
            DataError: it cannot be decoded, its axes are unclear, or it holds nodata.
        """
        array, axes = self._decoded(), self._series.axes
        for axis in axes:
            if axis not in "YX" + _BANDS and array.shape[axes.index(axis)] > 1:
                raise DataError(f"{self.path}: {self._unclear(axis)}")
        order = [axes.index("Y"), axes.index("X")]
        others = [place for place in range(len(axes)) if place not in order]
        moved = array.transpose(*order, *others)
        image_HWC = stored(self.path, moved.reshape(*moved.shape[:2], -1))
        self._require_no_nodata(image_HWC)
        return image_HWC

    def _unclear(self, axis: str) -> str:
        pages = self._series.shape[self._series.axes.index(axis)]
        if axis in _SLICES:
            return f"its {pages} pages are slices or times, of which an image has one"
        return (
            f"holds {pages} pages, and nothing in it says whether they are bands or slices; save "
            f"bands in one page, or give its mask as many pages where they are slices"
        )

    def _decoded(self) -> NDArray[np.generic]:
        if int(self._page.photometric) == _WHITE_IS_ZERO:
            raise DataError(f"{self.path}: must not be inverted (white is 0); save it as usual")
        try:
            return self._series.asarray()
        except Exception as error:  # tifffile raises many types for a damaged file
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{self.path}: cannot be decoded: {reason}") from None

    def _require_no_nodata(self, image_HWC: Pixels) -> None:
        """GDAL's tag for pixels that were never measured."""
        tag = self._page.tags.get(_NODATA)
        try:
            value = float(str(tag.value).strip("\0 ")) if tag is not None else float("nan")
        except ValueError:
            return
        if found := int((image_HWC == value).any(axis=2).sum()):
            raise DataError(
                f"{self.path}: {found} of {image_HWC[..., 0].size} pixels are its nodata value "
                f"{value:g}: fill them and make them void in the mask, or remove the nodata tag if "
                f"they were measured"
            )


def is_tiff(content: bytes) -> bool:
    return content.startswith(_MAGIC)


def open_raster(path: Path, content: bytes) -> Raster | None:
    """A TIFF file's image, not decoded yet. Smaller copies of it (overviews) are ignored.

    None where its structure cannot be read: Pillow then reads it, or says why it cannot.

    Raises:
        DataError: it is too large.
    """
    import tifffile  # only such files need it

    try:
        file = tifffile.TiffFile(io.BytesIO(content))
        series = [one for one in file.series if not one.keyframe.is_reduced]
        sides = [dict(zip(one.axes, one.shape, strict=True)) for one in series]
        good = len(series) == 1 and series[0].keyframe.dtype is not None
    except Exception:  # tifffile raises many types for a damaged file
        return None
    if not good or not {"Y", "X"} <= sides[0].keys():
        return None
    require_pixels(path, sides[0]["Y"], sides[0]["X"])
    return Raster(path, series[0], len(file.pages))
