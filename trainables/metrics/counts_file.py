"""The counts of a trial's images in one small file, to take any mean from again.

A NumPy ``.npz`` of unsigned integers, each table in the narrowest type that holds it, compressed,
without pickle: readable by anything, executes nothing.
"""

import io
import os
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.config import require
from trainables.metrics.catalog import BOUNDARY_IOU_RATIO, TOLERANCES_PX, TRIMAP_WIDTHS_PX
from trainables.metrics.per_image import ImageCounts

SETTINGS = {
    "tolerances_px": np.array(TOLERANCES_PX, dtype=np.uint8),
    "trimap_widths_px": np.array(TRIMAP_WIDTHS_PX, dtype=np.uint8),
    "boundary_iou_ratio": np.array(BOUNDARY_IOU_RATIO),
}
"""What the counts were taken with; a file of other settings is refused, not misread."""


def pack(counts: ImageCounts, names: Sequence[str] = ()) -> bytes:
    """The content of a counts file; the same counts give the same bytes.

    Args:
        counts: a whole table, already summed over ranks.
        names: of the images, in the order of the rows; may be left out.

    Raises:
        ValueError: if there are names, but not one for each image.
    """
    num_images = len(counts.overlap_NK3)
    fits = len(names) in (0, num_images)
    require(fits, "names", f"one for each of {num_images} images", len(names))
    arrays: dict[str, Any] = {
        "names": np.array(list(names), dtype=np.str_),
        **SETTINGS,
    }
    for name, table in counts._asdict().items():
        arrays[name] = _narrow(table.cpu().numpy())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _narrow(table: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    assert table.size == 0 or table.min() >= 0, "counts are never negative"
    return table.astype(np.min_scalar_type(table.max(initial=0)))


def load(path: str | os.PathLike[str]) -> ImageCounts:
    """The counts of a file, int64 on the CPU.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is no counts file, or one with other tolerances or bands.
    """
    arrays = _read(path)
    for name, expected in SETTINGS.items():
        found = arrays[name]
        same = np.array_equal(found, expected)
        require(same, f"{name} of {path}", str(expected.tolist()), found.tolist())
    return ImageCounts(
        *(torch.from_numpy(arrays[name].astype(np.int64)) for name in ImageCounts._fields)
    )


def _read(path: str | os.PathLike[str]) -> dict[str, NDArray[np.generic]]:
    needed = ("names", *SETTINGS, *ImageCounts._fields)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in needed}
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} must be a counts file, got one with: {error}") from error
