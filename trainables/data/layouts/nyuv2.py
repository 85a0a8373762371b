"""NYU Depth v2, 40 classes and void: label PNGs, or the official `nyu_depth_v2_labeled.mat`.

As PNG: `rgb/NUMBER.png` and `label40_minus1/NUMBER.png` (0..39, void 255); for `data/targets`
`depth_x5000/` (uint16, metres = value / 5000, 0 = missing) and `normals_rgb/` (value / 127.5 - 1,
x to the right, y into the scene, z up). The .mat has depth, with gaps filled, and no normals. Edges
are derived: changes of the 40 classes, see ``target_files.label_changes``.
`splits.mat` (795 and 654, numbers from 1) and, for the .mat, `classMapping40.mat` lie beside it or
in `meta/`. Source: Silberman et al., ECCV 2012; the 40 classes are Gupta et al.'s, CVPR 2013.
Shape letters: H rows, W columns, C colours or coordinates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.config.tasks import TaskName
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable, voc_palette
from trainables.data.mat_files import read_mat
from trainables.data.samples import Decoded, Groups, Layout, Pair, Sample
from trainables.data.target_files import Content, Files, files_beside, label_changes, normals_png
from trainables.data.targets import TargetMap
from trainables.geometry.boundaries import VOID

CLASSES = tuple(
    (
        "wall, floor, cabinet, bed, chair, sofa, table, door, window, bookshelf, picture, "
        "counter, blinds, desk, shelves, curtain, dresser, pillow, mirror, floor mat, clothes, "
        "ceiling, books, refridgerator, television, paper, towel, shower curtain, box, "
        "whiteboard, person, night stand, toilet, sink, lamp, bathtub, bag, otherstructure, "
        "otherfurniture, otherprop"
    ).split(", ")
)
COLOURS = voc_palette(len(CLASSES) + 1)[1:]
TABLE = LabelTable.plain(len(CLASSES))
OFFICIAL = "nyu_depth_v2_labeled.mat"
_DEPTH_SCALE = 5000.0


@dataclass(frozen=True)
class MatSample:
    """One of the 1449 images of the official file; numbers count from 1."""

    root: Path
    number: int
    targets: tuple[TaskName, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.number:06d}"

    def require_files(self) -> None:
        if not (self.root / OFFICIAL).is_file():
            raise DataError(f"{self.root / OFFICIAL}: missing")

    def read(self) -> Decoded:
        row = self._row()
        opened = _open_mat(self.root / OFFICIAL)
        image_HWC = np.ascontiguousarray(np.asarray(opened["images"][row]).transpose(2, 1, 0))
        fine_HW = np.asarray(opened["labels"][row]).T
        labels_HW = np.ascontiguousarray(_to_40(self.root)[fine_HW])
        content: tuple[tuple[str, bytes], ...] = (
            (f"{self.name}/labels", labels_HW.tobytes()),
            (f"{self.name}/image", image_HWC.tobytes()),
        )
        targets: dict[TaskName, TargetMap] = {}
        if "edge" in self.targets:
            targets["edge"] = label_changes(labels_HW)
        if "depth" in self.targets:
            depth_HW = np.asarray(opened["depths"][row], dtype=np.float32).T
            targets["depth"] = np.ascontiguousarray(depth_HW)
            content = (*content, (f"{self.name}/depth", depth_HW.tobytes()))
        return Decoded(image_HWC, labels_HW, content, targets=targets)

    def _row(self) -> int:
        count = len(_open_mat(self.root / OFFICIAL)["images"])
        if not 1 <= self.number <= count:
            raise DataError(f"{self.root / OFFICIAL}: image {self.number} is missing, has {count}")
        return self.number - 1


def layout(config: DataConfig) -> Layout:
    """795 training and 654 test images; ``data/holdout`` takes a validation list out of training.

    A list's line is a number, or a file name whose stem is one.
    """
    root = files.folder(config.root, "nyuv2")
    numbers = _official_numbers(root)

    def official(split: str) -> list[Sample]:
        found = numbers.get(split, ())
        return [_sample(root, number, "splits.mat", config.map_names) for number in found]

    def listed(line: lists.Line) -> list[Sample]:
        return [_sample(root, _number(line), line.listed, config.map_names)]

    splits = lists.of_splits(root, config, official, listed)
    targets: tuple[TaskName, ...] = ("edge", "depth")
    if not (root / OFFICIAL).is_file():
        targets = (*targets, "normals")
    groups = scenes_of(*splits.values())
    return Layout("nyuv2", CLASSES, COLOURS, splits, groups=groups, targets=targets)


def scenes_of(*parts: Sequence[Sample]) -> Groups:
    """Runs of consecutive numbers in a list: the frames of a scene follow each other, and the
    official lists never cut a scene in two, so that every run holds whole scenes.

    Args:
        parts: lists of samples whose names are numbers.
    """
    first: dict[str, str] = {}
    for part in parts:
        name_of = {int(sample.name): sample.name for sample in part}
        numbers = sorted(name_of)
        for before, number in zip([-1, *numbers], numbers, strict=False):
            follows = number == before + 1 and before in name_of
            first[name_of[number]] = first[name_of[before]] if follows else name_of[number]
    return Groups("run of scenes", "runs of scenes", first.__getitem__)


def depth_m(file: Content) -> TargetMap:
    """(H,W) metres, from a PNG copy; 0 where the sensor has no value."""
    path, content = file
    image = files.open_image(path, content, deep=True)
    if image.mode not in ("I;16", "I"):
        raise DataError(f"{path}: depth must be 16-bit with one channel, got mode {image.mode}")
    return np.asarray(image).astype(np.float32) / np.float32(_DEPTH_SCALE)


def normals(file: Content) -> TargetMap:
    """(H,W,3) unit vectors with y down and z to the viewer, from a PNG copy; 0 where missing."""
    stored_HW3 = normals_png(file)  # x to the right, y into the scene, z up
    x_HW, y_HW, z_HW = np.moveaxis(stored_HW3, 2, 0)
    return np.stack((x_HW, -z_HW, -y_HW), axis=2) + np.float32(0)  # no negative zero


_MAPS: Files = {
    "depth": (("depth_x5000/{}.png",), depth_m),
    "normals": (("normals_rgb/{}.png",), normals),
}


def _sample(root: Path, number: int, listed: str, targets: tuple[TaskName, ...]) -> Sample:
    if (root / OFFICIAL).is_file():
        return MatSample(root, number, targets)
    name = f"{number:06d}"
    image, mask = (root / folder / f"{name}.png" for folder in ("rgb", "label40_minus1"))
    beside = files_beside(root, name, targets, _MAPS)
    edges = "edge" in targets
    return Pair(name, image, mask, TABLE, listed, beside=beside, edges=edges)


def _number(line: lists.Line) -> int:
    stem = Path(line.words[0]).stem
    if not stem.isdigit():
        raise DataError(f"{line.listed}: must be an image's number, got {line.words[0]!r}")
    return int(stem)


def _official_numbers(root: Path) -> dict[str, list[int]]:
    path = _beside(root, "splits.mat")
    if path is None:
        return {}
    splits = read_mat(path, files.read_bytes(path), "trainNdxs", "testNdxs")
    return {
        split: [int(number) for number in splits[key].ravel()]
        for split, key in (("train", "trainNdxs"), ("test", "testNdxs"))
    }


def _beside(root: Path, name: str) -> Path | None:
    """A small file in the folder, in its ``meta``, or in the ``meta`` next to it."""
    for path in (root / name, root / "meta" / name, root.parent / "meta" / name):
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=4)
def _to_40(root: Path) -> NDArray[np.uint8]:
    """Label of each of the 894 fine classes; 0, unlabelled, is void."""
    path = _beside(root, "classMapping40.mat")
    if path is None:
        raise DataError(f"{root / 'classMapping40.mat'}: missing; {OFFICIAL} needs it")
    fine = read_mat(path, files.read_bytes(path), "mapClass")["mapClass"]
    table = fine.ravel().astype(np.int64) - 1
    if table.min() < 0 or table.max() >= len(CLASSES):
        raise DataError(f"{path}: mapClass must hold 1..40, got {table.min() + 1}")
    return np.concatenate(([VOID], table)).astype(np.uint8)


@lru_cache(maxsize=2)
def _open_mat(path: Path) -> Mapping[str, Any]:
    """The official file, HDF5: axes are reversed, (image, colour, column, row)."""
    import h5py

    try:
        opened: Mapping[str, Any] = h5py.File(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    missing = {"images", "labels", "depths"} - set(opened)
    if missing:
        raise DataError(f"{path}: has no {min(missing)}; it is not {OFFICIAL}")
    return opened
