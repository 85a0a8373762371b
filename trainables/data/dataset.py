"""What a dataset is once it is in memory. Shape letters: N images, H rows, W columns, C colours."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """A dataset that cannot be used. Its one line names the file and what is wrong with it."""


@dataclass(frozen=True)
class ImageList:
    """One split: every image at one size, in memory or read when it is asked for."""

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
    """RGB for pictures, one a class."""
    splits: dict[str, ImageList]
    """``train``, ``val`` and ``test``."""
    digest: str
    """Sixteen hex digits of the content, wherever it lies and to whatever size it is resized."""

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of every image."""
        _, rows, columns = self.splits["train"].labels_NHW.shape
        return rows, columns


class Digest:
    """Hash of a dataset's content, file by file, in the order of its lists."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        self._hash.update(f"{name}\0{len(content)}\0".encode())
        self._hash.update(content)

    def hex(self) -> str:
        return self._hash.hexdigest()[:16]
