"""A decoded dataset: its lists of images and labels.

Shape letters: N images, H rows, W columns, C colours.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """A dataset that cannot be used. The message is one line that names the file and the fault."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """A text without control characters and bytes that are no UTF-8, so that any file takes it."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(x if x.isprintable() else x.encode("unicode_escape").decode() for x in shown)


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
class Sanity:
    """What a dataset's images and labels are like: lines for the user."""

    splits: Mapping[str, str] = field(default_factory=dict)
    """By split, in one line: images, share of each class, share of void."""
    failures: tuple[str, ...] = ()
    """What no study can be run on."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    without_boundary: tuple[str, ...] = ()
    """Splits whose labels have no boundary at all: no boundary loss can learn from them."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it but ``splits``, worst first."""
        return (
            *(f"failure: {text}" for text in self.failures),
            *(f"warning: {text}" for text in self.warnings),
            *(f"note: {text}" for text in self.notes),
        )


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
    sanity: Sanity = field(default_factory=Sanity)
    """What the images and labels are like, and what is wrong with them."""

    @property
    def tests_on_validation(self) -> bool:
        """Whether there is no test list, so that the validation list stands for it."""
        return self.splits.get("test") is self.splits.get("val")

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
        self._hash.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        self._hash.update(content)

    def hex(self) -> str:
        return self._hash.hexdigest()[:16]
