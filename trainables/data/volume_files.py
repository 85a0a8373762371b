"""Files of volumes: NIfTI, NumPy arrays and stacks of TIFF pages.

NIfTI as in ``layouts/wmh.py``: rows are the second axis, columns the first, slices the third, bands
the fourth. NumPy: slices, rows, columns, bands. TIFF: pages.
Shape letters: D slices, H rows, W columns, C bands.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.data.dataset import DataError

SUFFIXES = (".nii.gz", ".nii", ".gz", ".npz")
"""Of volumes alone; `.npy` and `.tif` may be single images, too."""
_MOST_VALUES = 2**31
_TIFFS = (".tif", ".tiff")


class Facts(NamedTuple):
    """What a file says of its volume before it is decoded."""

    slices: int
    spacing_mm: tuple[float, ...] | None
    """Of rows, columns and slices, where the file has it."""


def name_of(path: Path) -> str:
    """A volume's name, without `.nii.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".nii").removesuffix(path.suffix)


def is_nifti(path: Path) -> bool:
    return path.suffix.lower() in (".nii", ".gz")


def is_volume(path: Path) -> bool:
    """Whether a mask is a volume: a NIfTI file, an array of three axes, or several pages."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix not in (".npy", *_TIFFS) or not path.is_file():
        return False
    try:
        if suffix == ".npy":
            return int(np.load(path, mmap_mode="r", allow_pickle=False).ndim) == 3
        import tifffile

        with tifffile.TiffFile(path) as file:
            pages = [page for page in file.pages if not getattr(page, "is_reduced", False)]
            return len(pages) > 1
    except Exception:  # of a damaged file, which is named when it is read
        return False


def state_of(path: Path) -> tuple[int, int, int]:
    """What differs once a file has changed: a volume that was read stays in memory only until."""
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def read(path: Path) -> NDArray[np.generic]:
    """The volume (D,H,W) or (D,H,W,C) in this file; the last few stay in memory.

    Raises:
        DataError: it cannot be read, or has another number of axes.
    """
    return _read(path, state_of(path))


def facts_of(path: Path) -> Facts:
    """The slices of a volume and their spacing, from the file's header where it has one."""
    suffix = path.suffix.lower()
    with _named(path):
        if is_nifti(path):
            import nibabel

            header = nibabel.load(path).header
            across_mm, down_mm, between_mm = map(float, header.get_zooms()[:3])
            return Facts(header.get_data_shape()[2], (down_mm, across_mm, between_mm))
        if suffix == ".npy":
            return Facts(len(np.load(path, mmap_mode="r", allow_pickle=False)), None)
    return Facts(len(read(path)), None)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors of the libraries as one line that names the file."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # they raise many types for a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: cannot be decoded: {reason}") from None


@lru_cache(maxsize=4)
def _read(path: Path, state: tuple[int, int, int]) -> NDArray[np.generic]:
    with _named(path):
        values = _array(path, path.suffix.lower())
    if values.ndim not in (3, 4) or not values.size:
        raise DataError(
            f"{path}: must be slices, rows, columns and perhaps bands, got shape {values.shape}"
        )
    if values.size > _MOST_VALUES:
        raise DataError(f"{path}: must have at most {_MOST_VALUES} values, got {values.size}")
    return values


def _array(path: Path, suffix: str) -> NDArray[np.generic]:
    if is_nifti(path):
        import nibabel

        values = np.asarray(nibabel.load(path).dataobj)
        return values.transpose(2, 1, 0, *range(3, values.ndim))
    if suffix in _TIFFS:
        import tifffile

        return np.asarray(tifffile.imread(path))
    content = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    if isinstance(content, np.ndarray):
        return content
    if len(content.files) != 1:
        raise DataError(f"{path}: must hold one array, got {', '.join(content.files)}")
    found: NDArray[np.generic] = content[content.files[0]]
    return found


def is_array(path: Path) -> bool:
    """Whether a mask is read here: a volume, or a NumPy file of a single mask."""
    return path.suffix.lower() == ".npy" or is_volume(path)


def mask_values(path: Path) -> NDArray[np.generic]:
    """(D,H,W), or (H,W) of a single mask: its whole numbers.

    Raises:
        DataError: it has bands, or values that are no whole numbers.
    """
    if path.suffix.lower() == ".npy" and not is_volume(path):
        with _named(path):
            values = _array(path, ".npy")
    else:
        values = read(path)
    values = values[..., 0] if values.ndim == 4 and values.shape[3] == 1 else values
    if values.ndim not in (2, 3):
        raise DataError(f"{path}: a mask has one value a pixel, got shape {values.shape}")
    if values.dtype.kind not in "iub" and (values != np.rint(values)).any():
        wrong = values[values != np.rint(values)][0]
        raise DataError(f"{path}: a mask must hold whole numbers, got {wrong}")
    return values


def label_values(path: Path) -> NDArray[np.uint8]:
    """The values of a mask that fit in bytes, 0..255.

    Raises:
        DataError: see ``mask_values``; or a value does not fit.
    """
    values = mask_values(path)
    labels = values.astype(np.uint8)
    if (labels != values).any():
        raise DataError(f"{path}: labels must be 0..255, got {values[labels != values][0]}")
    return labels
