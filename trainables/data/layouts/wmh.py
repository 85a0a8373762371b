"""White matter hyperintensities, the MICCAI 2017 challenge's layout: axial slices of volumes.

`SUBJECT/pre/FLAIR.nii.gz`, `SUBJECT/pre/T1.nii.gz` (FLAIR again where it is missing) and
`SUBJECT/wmh.nii.gz` with 0, 1 and 2 = other pathology, which the challenge leaves out: void.
Subjects lie in `train/ validation/ test/`, or all in one folder: then, of every five in name order,
the fourth is for validation and the fifth for the test (our choice: the challenge's own test set
was never public). Every slice of a subject is in one split. An image's channels are FLAIR, T1,
FLAIR, each scaled from its volume's range to 0..255.
Source: Kuijf et al., IEEE TMI 2019. Shape letters: X, Y, Z a volume's axes, H rows, W columns.
"""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable
from trainables.data.samples import Decoded, Groups, Layout, Sample
from trainables.geometry.boundaries import VOID

CLASSES = ("background", "lesion")
COLOURS = ((0, 0, 0), (220, 60, 60))
TABLE = LabelTable.of({0: 0, 1: 1, 2: VOID}, "0, 1 or 2 (other pathology, void)")
FOLDERS = {"train": "train", "val": "validation", "test": "test"}
SUBJECTS = Groups("subject", "subjects", lambda name: name.split("/")[0])
_TRUTH = "wmh.nii.gz"


@dataclass(frozen=True)
class Slice:
    """One axial slice. Rows are the volume's second axis, columns its first."""

    subject: Path
    number: int

    @property
    def name(self) -> str:
        return f"{self.subject.name}/{self.number:03d}"

    @property
    def flair(self) -> Path:
        return self.subject / "pre" / "FLAIR.nii.gz"

    def require_files(self) -> None:
        for path in (self.flair, self.subject / _TRUTH):
            if not path.is_file():
                raise DataError(f"{path}: missing")

    def image(self) -> NDArray[np.uint8]:
        """The image (H,W,C), which needs no truth."""
        if not self.flair.is_file():
            raise DataError(f"{self.flair}: missing")
        t1_path = self.subject / "pre" / "T1.nii.gz"
        flair_XYZ = _scaled(self.flair)
        t1_XYZ = self._of_same_size(t1_path, _scaled(t1_path)) if t1_path.is_file() else flair_XYZ
        channels = [volume_XYZ[:, :, self.number].T for volume_XYZ in (flair_XYZ, t1_XYZ)]
        return np.ascontiguousarray(np.stack([*channels, channels[0]], axis=2))

    def _of_same_size(self, path: Path, volume_XYZ: NDArray[np.uint8]) -> NDArray[np.uint8]:
        size = _scaled(self.flair).shape
        if volume_XYZ.shape != size:
            raise DataError(f"{path}: size {volume_XYZ.shape} differs from FLAIR's {size}")
        return volume_XYZ

    def read(self) -> Decoded:
        self.require_files()
        image_HWC = self.image()
        path = self.subject / _TRUTH
        truth_XYZ = self._of_same_size(path, _truth(path))
        mask_HW = np.ascontiguousarray(truth_XYZ[:, :, self.number].T)
        labels_HW = TABLE.apply(f"{self.subject / _TRUTH} slice {self.number}", mask_HW)
        content = (
            (f"{self.name}/wmh", labels_HW.tobytes()),
            (f"{self.name}/image", image_HWC.tobytes()),
        )
        return Decoded(image_HWC, labels_HW, content)


def layout(config: DataConfig) -> Layout:
    """Each line of a list is a subject: the folder's name, or its path relative to the root."""
    root = files.folder(config.root, "wmh")
    every = _subjects(root)
    subjects = lists.of_splits(
        root, config, lambda split: every[split], lambda line: [_listed(root, line)]
    )
    splits: dict[str, tuple[Sample, ...]] = {}
    spacing_mm = {}
    for split, folders in subjects.items():
        slices: list[Slice] = []
        for folder in folders:
            header = _header(folder / "pre" / "FLAIR.nii.gz")
            across_mm, down_mm, between_mm = map(float, header.get_zooms()[:3])
            mine = [Slice(folder, number) for number in range(header.get_data_shape()[2])]
            spacing_mm.update({one.name: (down_mm, across_mm, between_mm) for one in mine})
            slices += mine
        splits[split] = tuple(slices)
    return Layout("wmh", CLASSES, COLOURS, splits, spacing_mm, groups=SUBJECTS, series="volume")


def _subjects(root: Path) -> dict[str, list[Path]]:
    if any((root / folder).is_dir() for folder in FOLDERS.values()):
        return {split: _children(root / folder) for split, folder in FOLDERS.items()}
    every = _children(root)
    kinds = ("train", "train", "train", "val", "test")
    return {
        split: [x for index, x in enumerate(every) if kinds[index % 5] == split]
        for split in FOLDERS
    }


def slices_of(folder: Path) -> list[Slice]:
    """All slices of the volumes below a folder, with or without truth; none where it has none."""
    paths = sorted(folder.rglob("pre/FLAIR.nii.gz"))
    subjects = [path.absolute().parents[1] for path in paths if not files.is_junk(path)]
    return [
        Slice(subject, number)
        for subject in subjects
        for number in range(_header(subject / "pre" / "FLAIR.nii.gz").get_data_shape()[2])
    ]


def label_volume(slices: Sequence[NDArray[np.uint8]], flair: Path) -> bytes:
    """A NIfTI file, compressed, of a volume's labels, where and as large as its FLAIR.

    Args:
        slices: labels (H,W) of every slice, in the order of the third axis.
        flair: the file that the slices are of.
    """
    import nibabel

    source = nibabel.load(flair)
    labels_XYZ = np.stack([labels_HW.T for labels_HW in slices], axis=2)
    header = source.header.copy()
    header.set_data_dtype(np.uint8)
    header["cal_min"] = header["cal_max"] = 0  # the range of the FLAIR
    volume = nibabel.Nifti1Image(labels_XYZ, source.affine, header)
    return gzip.compress(volume.to_bytes(), mtime=0)


def _children(folder: Path) -> list[Path]:
    """The subjects of a folder. One without its files raises an error when it is read."""
    return sorted(path for path in folder.glob("*") if path.is_dir() and path.name[0] != ".")


def _listed(root: Path, line: lists.Line) -> Path:
    for folder in ("", *FOLDERS.values()):
        path = lists.inside(root, f"{folder}/{line.words[0]}", line.listed)
        if path.is_dir():
            return path
    raise DataError(f"{root / line.words[0]}: subject of {line.listed} is missing")


class _Header(Protocol):
    """What is read here of a NIfTI header, which nibabel leaves untyped."""

    def get_data_shape(self) -> tuple[int, ...]: ...
    def get_zooms(self) -> tuple[float, ...]: ...


class _Volume(Protocol):
    header: _Header
    dataobj: ArrayLike


def _open(path: Path) -> _Volume:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        volume: _Volume = nibabel.load(path)
    except (OSError, EOFError, zlib.error, ImageFileError) as error:
        raise DataError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    return volume


def _header(path: Path) -> _Header:
    """The header of a volume with three axes."""
    header = _open(path).header
    if len(header.get_data_shape()) != 3:
        raise DataError(f"{path}: must have three axes, got {header.get_data_shape()}")
    return header


def _volume(path: Path) -> NDArray[np.number]:
    _header(path)
    try:
        return np.asarray(_open(path).dataobj)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: cannot be decoded: {error}") from None


def _state(path: Path) -> tuple[int, int, int]:
    """What differs once a file has changed: a volume that was read stays in memory only until."""
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _scaled(path: Path) -> NDArray[np.uint8]:
    """(X,Y,Z): the volume scaled so that its smallest value is 0 and its largest 255."""
    return _scaled_as(path, _state(path))


@lru_cache(maxsize=4)
def _scaled_as(path: Path, state: tuple[int, int, int]) -> NDArray[np.uint8]:
    volume_XYZ = _volume(path).astype(np.float32)
    if not np.isfinite(volume_XYZ).all():
        raise DataError(f"{path}: holds values that are not finite")
    volume_XYZ -= volume_XYZ.min()
    scale = 255 / max(float(volume_XYZ.max()), 1e-9)
    return np.rint(volume_XYZ * scale).astype(np.uint8)


def _truth(path: Path) -> NDArray[np.uint8]:
    return _truth_as(path, _state(path))


@lru_cache(maxsize=4)
def _truth_as(path: Path, state: tuple[int, int, int]) -> NDArray[np.uint8]:
    volume_XYZ = _volume(path)
    wrong = volume_XYZ[(volume_XYZ < 0) | (volume_XYZ > 2) | (volume_XYZ % 1 != 0)]
    if wrong.size:
        raise DataError(f"{path}: labels must be {TABLE.allowed}, got {wrong[0]}")
    return volume_XYZ.astype(np.uint8)
