"""A decoded dataset: its lists of images and labels.

Shape letters: N images, H rows, W columns, C colours.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainables.config.pixels import RGB, Pixels
from trainables.data.fold_views import FoldLists, FoldView
from trainables.data.images import Size, indexed_as_array, one_size, sizes_of

Series = Literal["", "volume", "film"]
"""What images that belong together are: the slices of a volume, or the frames of a film, in their
order; "": photographs, each on its own."""


class DataError(ValueError):
    """A dataset that cannot be used. The message is one line that names the file and the fault."""

    def __init__(self, message: str) -> None:
        super().__init__(escaped(message))


def escaped(text: str) -> str:
    """A text without control characters and bytes that are no UTF-8, so that any file takes it."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(x if x.isprintable() else x.encode("unicode_escape").decode() for x in shown)


@dataclass(frozen=True)
class ImageList:
    """One split, held in memory or read on access; images may differ in size.

    Where they do, or where they are read on access, ``images_NHWC`` and ``labels_NHW`` are no
    arrays but ``ManySizes`` or ``Streamed``: indexed by one place they give a map, as arrays do.
    """

    images_NHWC: NDArray[np.uint8 | np.uint16 | np.float32]
    labels_NHW: NDArray[np.uint8]
    """0..K-1, void 255."""
    names: tuple[str, ...]
    spacing_mm: NDArray[np.float32] | None = None
    """(N,2) rows and columns of a pixel in millimetres, as resized, or (N,3) with the distance
    between the slices of its volume; None for photographs."""
    series: Series = ""
    """What a name before its last ``/`` stands for."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def nbytes(self) -> int:
        """Memory that it takes; 0 if it is read on access."""
        return self.images_NHWC.nbytes + self.labels_NHW.nbytes

    @property
    def sizes_N2(self) -> NDArray[np.int64]:
        """Rows and columns of each image."""
        return sizes_of(self.labels_NHW)

    @property
    def size(self) -> Size | None:
        """Rows and columns of every image; None if they differ."""
        return one_size(self.sizes_N2)

    def stacked(
        self, rows: Sequence[int] | NDArray[np.integer]
    ) -> tuple[NDArray[np.uint8 | np.uint16 | np.float32], NDArray[np.uint8]]:
        """Copies of images (B,H,W,C) of one size and their labels (B,H,W)."""
        images, labels = self.images_NHWC[rows], self.labels_NHW[rows]
        if isinstance(images, np.ndarray):
            return images, labels
        return np.stack(list(images)), np.stack(list(labels))

    def picked(self, places: Sequence[int]) -> "ImageList":
        """The images at these places, which share their memory with this list."""
        spacing = None if self.spacing_mm is None else self.spacing_mm[list(places)]
        images, labels = (FoldView(maps, places) for maps in (self.images_NHWC, self.labels_NHW))
        names = tuple(self.names[place] for place in places)
        pixels = indexed_as_array(images), indexed_as_array(labels)
        return ImageList(*pixels, names, spacing, self.series)

    def first(self, count: int) -> "ImageList":
        """The first images alone, in memory."""
        spacing = None if self.spacing_mm is None else self.spacing_mm[:count]
        images, labels = self.images_NHWC[:count], self.labels_NHW[:count]
        return ImageList(images, labels, self.names[:count], spacing, self.series)

    @property
    def unit(self) -> Literal["mm", "px"]:
        """Of distances within its images."""
        return "px" if self.spacing_mm is None else "mm"

    @property
    def series_numbers(self) -> tuple[int, ...] | None:
        """By image, the number of its volume or film, from 0; None for photographs."""
        if not self.series:
            return None
        parents = [name.rpartition("/")[0] for name in self.names]
        numbers = {parent: number for number, parent in enumerate(dict.fromkeys(parents))}
        return tuple(numbers[parent] for parent in parents)


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
    """Of everything that decides a study's numbers, whatever the folder: see ``Digest``."""
    sanity: Sanity = field(default_factory=Sanity)
    """What the images and labels are like, and what is wrong with them."""
    old_digest: str = ""
    """See ``ContentDigest``: another one where the files are now read differently."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """By split, what its images are, where that is not the whole list of that name."""
    shared: Mapping[str, int] = field(default_factory=dict)
    """By other split, how many images of the test list it has too; a split with none lacks."""

    pixels: Pixels = RGB
    """What a network receives."""
    pool: ImageList | None = None
    """The images that are divided into folds, decoded once; None without folds."""
    folds: FoldLists = ()
    """The lists of each fold; ``splits`` has those of one of them."""
    pixels_of_fold: tuple[Pixels, ...] = ()
    """What a network of each fold receives: its training images decide how they are normalised."""
    divided: str = ""
    """How many images each fold tests, in words."""

    def for_fold(self, fold: int) -> "Dataset":
        """The same images with the lists of this fold, from 1; 0 and without folds: as they are."""
        if self.pool is None or not fold:
            return self
        lists = self.folds[fold - 1]
        splits = {split: self.pool.picked(places) for split, places in lists.items()}
        if lists["val"] == lists["test"]:
            splits["test"] = splits["val"]
        return replace(self, splits=splits, pixels=self.pixels_of_fold[fold - 1])

    @property
    def nbytes(self) -> int:
        """Memory that the images take; 0 if they are read on access."""
        lists = self.splits.values() if self.pool is None else [self.pool]
        return sum(images.nbytes for images in lists)

    def digest_as(self, known: str) -> str:
        """The digest in the version of a known one, to compare both."""
        return self.old_digest if is_old(known) else self.digest

    @property
    def tests_on_validation(self) -> bool:
        """Whether one list serves as validation and as test list."""
        return self.splits.get("test") is self.splits.get("val")

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def size(self) -> Size | None:
        """Rows and columns of every image; None if they differ."""
        return one_size(np.concatenate([images.sizes_N2 for images in self.splits.values()]))


_VERSION = "2-"
"""Before a digest; raised whenever one covers something else. The first version has none."""


class Digest:
    """A hash of what decides a study's numbers: class names, rules, splits, pixels and labels."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(_VERSION.encode())

    def note(self, name: str, content: bytes) -> None:
        """Add a named fact."""
        self._hash.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        self._hash.update(content)

    def add(self, pixels: NDArray[np.uint8 | np.uint16 | np.float32]) -> None:
        """Add an image or its labels, as decoded."""
        self.note(f"{pixels.dtype} {pixels.shape}", pixels.tobytes())

    def text(self) -> str:
        """The version, and sixteen hex digits."""
        return f"{_VERSION}{self._hash.hexdigest()[:16]}"


class ContentDigest:
    """The first version: a hash of the files, in the order of the lists, and of nothing else.

    Ledgers of that time have it; a study of theirs can only be resumed by comparing it.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        self._hash.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        self._hash.update(content)

    def hex(self) -> str:
        return self._hash.hexdigest()[:16]


def is_old(digest: str) -> bool:
    """Whether a digest is of the first version, which leaves out what decides a study's numbers."""
    return not digest.startswith(_VERSION)
