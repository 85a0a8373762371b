"""One image of a layout, before and after it is decoded.

A layout lists its samples without opening them; a sample is opened by ``read``. So the same code
decodes a dataset into memory, streams it, or checks each of its files.
Shape letters: N images, H rows, W columns, C colours.
"""

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from trainables.config.tasks import TaskName
from trainables.data import files, photos, rasters
from trainables.data.dataset import DataError, Series, escaped
from trainables.data.fold_views import FoldLists
from trainables.data.label_tables import MaskReader
from trainables.data.photos import Alpha
from trainables.data.rasters import Pixels
from trainables.data.target_faults import require_targets
from trainables.data.target_files import TargetFile, label_changes
from trainables.data.targets import NO_TARGETS, TargetMap, TargetMaps
from trainables.geometry.boundaries import VOID

SPLITS = ("train", "val", "test")
_SWAPPED = 5
"""EXIF's orientations from here on swap rows and columns."""
TURNED = ", which is turned by its EXIF orientation: turn the mask too, or save the image turned"
_NAMED = 5
"""How many missing files a line names."""
MOST_CLASSES = 255
"""Labels are bytes: 0..254 are classes, and 255 is void."""


class Decoded(NamedTuple):
    """An image and its labels at the files' size, and the content that enters the digest."""

    image_HWC: Pixels
    """uint8 RGB, or 1..20 bands of uint8, uint16 or float32."""
    labels_HW: NDArray[np.uint8]
    """0..K-1, void 255."""
    content: tuple[tuple[str, bytes], ...]
    """The files, for the first version of the digest; marked where they are now read otherwise."""
    turned: bool = False
    """Whether the image is turned by its EXIF orientation."""
    alpha: Alpha = ""
    """Transparency, and what became of it."""
    orientation: int = 1
    """EXIF's, 1..8, whether or not the image is turned by it."""
    targets: TargetMaps = NO_TARGETS
    """By task, the map beside the labels; see ``targets.py``."""

    @property
    def fits_both(self) -> bool:
        """Whether the mask's size would fit the image turned and not turned."""
        rows, columns = self.labels_HW.shape
        return self.turned and (self.orientation < _SWAPPED or rows == columns)

    @property
    def checksum(self) -> int:
        """Of the files' content, 32 bits: computed in a fraction of the time of decoding."""
        total = 0
        for _, content in self.content:
            total = zlib.crc32(content, total)
        return total


class Sample(Protocol):
    """One image with its labels, not opened yet. Must pickle: workers receive streamed lists."""

    @property
    def name(self) -> str: ...

    def require_files(self) -> None:
        """Raise a DataError that names a missing file. Opens nothing."""

    def read(self) -> Decoded:
        """Decode the files, or raise a DataError that names the file and the fault."""


def fields_of(sample: Sample) -> tuple[object, ...]:
    """The values of a sample's fields, and of a slice's files; its paths are among them."""
    names = getattr(sample, "__dataclass_fields__", ())
    own = tuple(getattr(sample, name) for name in names)
    inside = [part for part in own if isinstance(part, Pair)]
    paths = [path for part in own if isinstance(part, tuple) for path in _paths_of(part)]
    return (*own, *paths, *(x for part in inside for x in fields_of(part)))


def _paths_of(parts: tuple[object, ...]) -> Iterator[Path]:
    for part in parts:
        if isinstance(part, TargetFile):
            yield from part.paths


@dataclass(frozen=True)
class Groups:
    """Which images of a dataset belong together: frames of a film, slices of a subject."""

    noun: str
    """``city``."""
    plural: str
    of: Callable[[str], str]
    """The group's name of a sample's name."""


@dataclass(frozen=True)
class Layout:
    """The content of a dataset's folder, listed but not opened."""

    name: str
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    splits: Mapping[str, tuple[Sample, ...]]
    spacing_mm: Mapping[str, tuple[float, ...]] | None = None
    """Rows and columns of a pixel by sample name, before resizing, and for volumes the distance
    between slices; None for photographs."""
    rules: str = ""
    """What decides the labels beside the files: the meaning of a mask's values."""
    fixed_classes: bool = False
    """Whether the classes are a publication's: a part of its images may then lack some."""
    notes: tuple[str, ...] = ()
    """What the user should know of how the files are read, a line each."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """By split, what its images are, where that is not the whole list of that name."""
    stand_in: str = ""
    """``val`` or ``test`` if it has no list of its own and has the other's images."""
    places: tuple[Path, ...] = ()
    """Folders that the user has named, which may be links out of the dataset's folder."""
    class_255: str = "`NAME 255 255 255` in classes.txt"
    """What would make 255 a class."""
    groups: Groups | None = None
    """None where nothing is known of what belongs together."""
    series: Series = ""
    """What a sample's name before its last ``/`` stands for."""
    pool: tuple[Sample, ...] = ()
    """The images that are divided into folds; none without folds."""
    folds: FoldLists = ()
    """The lists of each fold, as places in the pool; ``splits`` are those of ``data/fold``."""
    divided: str = ""
    """How many images each fold tests, in words."""
    targets: tuple[TaskName, ...] = ()
    """The maps that its samples can have beside the labels; read are those of ``data/targets``."""
    parts: tuple[str, ...] = ()
    """Names of the human parts, the background first; none without that map."""

    @property
    def decoded(self) -> Mapping[str, tuple[Sample, ...]]:
        """By list, the images to open: each split, or the pool of all folds."""
        return {"pool": self.pool} if self.folds else self.splits


@dataclass(frozen=True)
class Pair:
    """An image file and a mask file of the same size."""

    name: str
    image: Path
    mask: Path
    table: MaskReader
    listed: str = ""
    """The line that names it, ``val.txt:3``; empty if a folder was listed."""
    photograph: bool = False
    """Whether the image must be 8-bit grey or RGB, as a published dataset's are."""
    beside: tuple[TargetFile, ...] = ()
    """Maps in files of their own."""
    edges: bool = False
    """Whether the labels' changes are its edges."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", escaped(self.name))  # it is written to many files

    def require_files(self) -> None:
        for path, what in ((self.image, "image"), (self.mask, "mask")):
            if not os.path.isfile(path):  # pathlib's raises for a name that is too long
                of = f" of {self.listed}" if self.listed else f" of {self.name}"
                raise DataError(f"{path}: {what}{of} is missing")
        for file in self.beside:
            file.require_files(self.name)

    def read(self) -> Decoded:
        self.require_files()
        labels_HW, mask_bytes = self.table.read(self.mask)
        photo = photos.read_image(self.image, labels_HW.shape, self.photograph)
        image_HWC, image_bytes, turned = photo.image_HWC, photo.content, photo.turned
        if image_HWC.shape[:2] != labels_HW.shape:
            raise DataError(
                f"{self.mask}: size {labels_HW.shape} differs from its image's "
                f"{image_HWC.shape[:2]}{TURNED if turned else ''}"
            )
        if turned:
            image_bytes = files.marked("turned", image_bytes)
        content = ((self.mask.name, mask_bytes), (self.image.name, image_bytes))
        targets, more = self._targets(labels_HW)
        how = turned, photo.alpha, photo.orientation
        return Decoded(image_HWC, labels_HW, (*content, *more), *how, targets)

    def _targets(self, labels_HW: NDArray[np.uint8]) -> tuple[TargetMaps, list[tuple[str, bytes]]]:
        """The maps in the order of the tasks, and what is in their files."""
        found: dict[TaskName, TargetMap] = {}
        contents: list[tuple[str, bytes]] = []
        if self.edges:
            found["edge"] = label_changes(labels_HW)
        rows, columns = labels_HW.shape
        for file in self.beside:
            found[file.task], more = file.read((rows, columns))
            contents += more
        return found, contents


def require_sound(
    name: str,
    decoded: Decoded,
    num_classes: int,
    tasks: Sequence[TaskName] = (),
    num_parts: int = 0,
) -> None:
    """Raise a DataError unless an image and its labels are what ``Decoded`` says.

    A plug-in's sample could otherwise wrap around in eight bits, or train a class that has no name.
    """
    labels_HW = decoded.labels_HW
    rows, columns = labels_HW.shape
    require_targets(name, decoded.targets, tasks, (rows, columns), num_parts)
    rasters.require_image(name, decoded.image_HWC, labels_HW)
    wrong_HW = (labels_HW >= num_classes) & (labels_HW != VOID)
    if wrong_HW.any():
        raise DataError(
            f"{name}: labels must be 0..{num_classes - 1} or void ({VOID}), got "
            f"{labels_HW[wrong_HW][0]}"
        )


def require_all(samples: Iterable[Sample]) -> None:
    """Raise a DataError that names missing files, before the first one is decoded."""
    lacking: list[str] = []
    for sample in samples:
        try:
            sample.require_files()
        except DataError as error:
            lacking.append(str(error))
    if lacking:
        count = f"{len(lacking)} files are missing: " if len(lacking) > 1 else ""
        more = f"; and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        raise DataError(f"{count}{'; '.join(lacking[:_NAMED])}{more}")
