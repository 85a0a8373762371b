"""A decoded dataset: its lists of images and labels.

Shape letters: N images, H rows, W columns, C colours.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """A dataset that cannot be used. The message is one line that names the file and the fault."""


@dataclass(frozen=True)
class ImageList:
    """One split, all images at one size, held in memory or read on access."""

    images_NHWC: NDArray[np.uint8]
    labels_NHW: NDArray[np.uint8]
    """0..K-1, void 255."""
    names: tuple[str, ...]
    spacing_mm: NDArray[np.float32] | None = None
    """(N,2) rows and columns of a pixel in millimetres, as resized; None for photographs."""

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Dataset:
    """The training, validation and test lists of one layout."""

    name: str
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    """RGB of each class, for pictures."""
    splits: dict[str, ImageList]
    """``train``, ``val`` and ``test``."""
    digest: str
    """Sixteen hex digits of the content, independent of the folder and of the resized size."""

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of every image."""
        _, rows, columns = self.splits["train"].labels_NHW.shape
        return rows, columns


class Digest:
    """A hash of a dataset's content, file by file, in the order of its lists."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        self._hash.update(f"{name}\0{len(content)}\0".encode())
        self._hash.update(content)

    def hex(self) -> str:
        return self._hash.hexdigest()[:16]
