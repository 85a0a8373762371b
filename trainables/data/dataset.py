"""A decoded dataset: its lists of images and labels.

Shape letters: N images, H rows, W columns, C colours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainables.config.inputs import InputName
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import TaskName
from trainables.data.digest import is_old
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
    targets: Mapping[TaskName, NDArray[np.uint8 | np.float32]] = field(default_factory=dict)
    """By task, the maps beside the labels, stored as these are: (N,H,W), ``normals`` (N,H,W,3)."""
    inputs: tuple[InputName, ...] = ()
    """Those of them that networks receive behind the images' bands."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def nbytes(self) -> int:
        """Memory that it takes; 0 if it is read on access."""
        beside = sum(maps.nbytes for maps in self.targets.values())
        return self.images_NHWC.nbytes + self.labels_NHW.nbytes + beside

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
        return _stacked(self.images_NHWC[rows]), _stacked(self.labels_NHW[rows])

    def stacked_targets(
        self, rows: Sequence[int] | NDArray[np.integer]
    ) -> dict[TaskName, NDArray[np.uint8 | np.float32]]:
        """By task, copies of the targets (B,H,W), ``normals`` (B,H,W,3), of images of one size."""
        return {task: _stacked(maps[rows]) for task, maps in self.targets.items()}

    def picked(self, places: Sequence[int]) -> "ImageList":
        """The images at these places, which share their memory with this list."""
        spacing = None if self.spacing_mm is None else self.spacing_mm[list(places)]
        names = tuple(self.names[place] for place in places)
        images, labels, *targets = (
            indexed_as_array(FoldView(maps, places))
            for maps in (self.images_NHWC, self.labels_NHW, *self.targets.values())
        )
        beside = dict(zip(self.targets, targets, strict=True))
        return ImageList(images, labels, names, spacing, self.series, beside, self.inputs)

    def first(self, count: int) -> "ImageList":
        """The first images alone, in memory."""
        spacing = None if self.spacing_mm is None else self.spacing_mm[:count]
        images, labels = self.images_NHWC[:count], self.labels_NHW[:count]
        targets = {task: maps[:count] for task, maps in self.targets.items()}
        further = self.series, targets, self.inputs
        return ImageList(images, labels, self.names[:count], spacing, *further)

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


_V = TypeVar("_V", bound=np.generic)


def _stacked(maps: NDArray[_V]) -> NDArray[_V]:
    """Some maps of one size as one array; what is read on access may come as a list."""
    return maps if isinstance(maps, np.ndarray) else np.stack(list(maps))


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
    parts: tuple[str, ...] = ()
    """Names of the human parts, the background first; none without that map."""
    inputs: tuple[InputName, ...] = ()
    """The maps that networks receive behind the images' bands."""

    def for_fold(self, fold: int) -> "Dataset":
        """The same images with the lists of this fold, from 1; 0 and without folds: as they are."""
        if self.pool is None or not fold:
            return self
        lists = self.folds[fold - 1]
        splits = {split: self.pool.picked(places) for split, places in lists.items()}
        if lists["val"] == lists["test"]:
            splits["test"] = splits["val"]
        return replace(self, splits=splits, pixels=self.pixels_of_fold[fold - 1])

    def for_inputs(self, names: tuple[InputName, ...]) -> "Dataset":
        """The same images for networks that receive these maps, too; they share their memory.

        Raises:
            ValueError: no training image has a value of a map.
        """
        if names == self.inputs:
            return self
        lists = {id(images): replace(images, inputs=names) for images in self.splits.values()}
        # One list may be two splits.
        splits = {split: lists[id(images)] for split, images in self.splits.items()}
        pool = None if self.pool is None else replace(self.pool, inputs=names)
        self.pixels.seen(names)
        return replace(self, splits=splits, pool=pool, inputs=names)

    @property
    def seen(self) -> Pixels:
        """What networks receive: the images and the maps of ``inputs``."""
        return self.pixels.seen(self.inputs)

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
