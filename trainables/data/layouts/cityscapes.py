"""Cityscapes fine: `leftImg8bit/SPLIT/CITY/` and `gtFine/SPLIT/CITY/`, 19 classes and void.

The labels of the official test split are not public, so the validation split is the test list.
Coarse labels are a further list, `data/extra_list=coarse`: `gtCoarse/train_extra/CITY/`.
Half resolution (SEMEDA, Sec. 4.1) is `data/height=512 data/width=1024`; its 18 classes and
background are `data/classes=18`.
Source of ids, names and colours: cityscapesScripts, helpers/labels.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable
from trainables.data.samples import SPLITS, Groups, Layout, Pair, Sample
from trainables.geometry.boundaries import VOID

CLASSES = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
COLOURS = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
)
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""The labelId of each class."""
_LAST_ID = 33
_LICENCE_PLATE = 255
"""labelId -1 in eight bits."""

IDS = LabelTable.of(
    {
        **{value: VOID for value in (*range(_LAST_ID + 1), _LICENCE_PLATE)},
        **{value: label for label, value in enumerate(LABEL_IDS)},
    },
    f"a labelId, 0..{_LAST_ID}",
)
TRAIN_IDS = LabelTable.plain(len(CLASSES))
_RAREST = CLASSES.index("train")
"""SEMEDA has 18 classes and background, and does not say which class is left out: here the rarest
joins the void labels."""


@dataclass(frozen=True)
class ClassSet:
    """One of the sets of classes, ``data/classes``, with the meaning of both kinds of masks."""

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    ids: LabelTable
    train_ids: LabelTable


def class_set(choice: int) -> ClassSet:
    """The 19 of the benchmark, 0 or 19, or SEMEDA's 18 and background, 18.

    Raises:
        DataError: another choice.
    """
    if choice in (0, len(CLASSES)):
        return ClassSet(CLASSES, COLOURS, IDS, TRAIN_IDS)
    if choice != len(CLASSES) - 1:
        raise DataError(
            f"data/classes must be 19, or 18 for 18 and background, for cityscapes, got {choice}"
        )
    kept = [label for label in range(len(CLASSES)) if label != _RAREST]
    names = ("background", *(CLASSES[label] for label in kept))
    colours = ((0, 0, 0), *(COLOURS[label] for label in kept))
    ids, train_ids = (_with_background(table, kept) for table in (IDS, TRAIN_IDS))
    return ClassSet(names, colours, ids, train_ids)


def _with_background(table: LabelTable, kept: Sequence[int]) -> LabelTable:
    """The table whose other labels, also void, are 0; those that are kept follow."""
    new = {label: place for place, label in enumerate(kept, start=1)}
    known = [value for value in range(256) if table.labels_256[value] >= 0]
    labels = {value: new.get(int(table.labels_256[value]), 0) for value in known}
    return LabelTable.of(labels, table.allowed)


CITIES = Groups("city", "cities", lambda name: name.split("_")[0])
COARSE = "coarse"
"""The name of the list of 19998 images that have coarse labels alone, in `train_extra`."""
_IMAGE, _EXTRA = "_leftImg8bit", "train_extra"


def layout(config: DataConfig) -> Layout:
    """A complete copy has 2975 and 500 images. A list's line is an image's path or its name."""
    root, classes = files.folder(config.root, "cityscapes"), class_set(config.classes)

    def official(split: str) -> tuple[Sample, ...]:
        folder = _EXTRA if split == COARSE else split
        return () if split == "test" else _folder(root, folder, classes)

    def listed(line: lists.Line) -> list[Sample]:
        return [_listed(root, line, classes)]

    splits = lists.of_splits(root, config, official, listed, names=(*SPLITS, COARSE))
    return Layout("cityscapes", classes.names, classes.colours, splits, groups=CITIES)


def _folder(root: Path, split: str, classes: ClassSet) -> tuple[Sample, ...]:
    """Every image of a split; a mask without its image is an error."""
    images = _found(root / "leftImg8bit" / split, f"*/*{_IMAGE}.png")
    stems = {image.name.removesuffix(f"{_IMAGE}.png") for image in images}
    truth = _truth(split)
    for mask in _found(root / truth / split, f"*/*_{truth}_label*Ids.png"):
        stem = mask.name.split(f"_{truth}_")[0]
        if stem not in stems:
            raise DataError(
                f"{root / 'leftImg8bit' / split / mask.parent.name / stem}{_IMAGE}.png: "
                f"image of {mask.name} is missing"
            )
    if not images:
        raise DataError(f"{root / 'leftImg8bit' / split}: no CITY/*{_IMAGE}.png in it")
    return tuple(_pair(root, image, classes) for image in images)


def _found(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not files.is_junk(path))


def _listed(root: Path, line: lists.Line, classes: ClassSet) -> Pair:
    text = line.words[0]
    if text.endswith(".png"):
        return _pair(root, lists.inside(root, text, line.listed), classes, line.listed)
    city = text.split("_")[0]
    found = sorted((root / "leftImg8bit").glob(f"*/{city}/{text}{_IMAGE}.png"))
    if not found:
        raise DataError(f"{root / 'leftImg8bit'}: image {text} of {line.listed} is missing")
    return _pair(root, found[0], classes, line.listed)


def _pair(root: Path, image: Path, classes: ClassSet, listed: str = "") -> Pair:
    """An image and its mask: ``labelTrainIds`` where they exist, else the official ``labelIds``."""
    city, split = image.parent.name, image.parents[1].name
    stem = image.name.removesuffix(f"{_IMAGE}.png")
    truth = _truth(split)
    folder = root / truth / split / city
    train_ids = folder / f"{stem}_{truth}_labelTrainIds.png"
    if train_ids.is_file():
        return Pair(stem, image, train_ids, classes.train_ids, listed)
    return Pair(stem, image, folder / f"{stem}_{truth}_labelIds.png", classes.ids, listed)


def _truth(split: str) -> str:
    """The folder of a split's labels, which is in their names too."""
    return "gtCoarse" if split == _EXTRA else "gtFine"
