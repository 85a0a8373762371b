"""A user's own data: `images/` and `masks/` with the same names, or a CSV with their paths.

`classes.txt` names the classes, one per line in label order, each with an optional colour
(`road 128 64 128`); a line `void 0` names a value that is left out besides 255, and the labels
then skip it. The splits come from the first of these that exists: `data/train_list ..`;
`samples.csv` with the columns image, mask, split; the folders `images/train/ images/val/
images/test/`; `train.txt val.txt test.txt` with a name or two paths per line; else, of every ten
images in name order, the ninth is for validation and the tenth for the test.
"""

import csv
import io
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS, LabelTable, Layout, Pair, Sample, voc_palette
from trainables.geometry.boundaries import VOID

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_MOST_CLASSES = 255


def layout(config: DataConfig) -> Layout:
    root = files.folder(config.root, "folder")
    classes, colours, table = _classes(root / "classes.txt")
    splits: dict[str, tuple[Sample, ...]]
    named = any((root / f"{split}.txt").is_file() for split in SPLITS)
    if any(lists.requested_lists(config).values()) or named:
        official = {
            split: root / f"{split}.txt" for split in SPLITS if (root / f"{split}.txt").is_file()
        }
        splits = lists.read_splits(
            root, config, official, lambda line: [_listed(root, line, table)]
        )
    elif (root / "samples.csv").is_file():
        splits = _from_csv(root / "samples.csv", table)
    elif (root / "images" / "train").is_dir():
        splits = {
            split: _from_folder(root, split, table)
            for split in SPLITS
            if (root / "images" / split).is_dir()
        }
    else:
        every = _from_folder(root, "", table)
        kinds = ("train",) * 8 + ("val", "test")
        splits = {
            split: tuple(x for index, x in enumerate(every) if kinds[index % 10] == split)
            for split in SPLITS
        }
    return Layout("folder", classes, colours, splits)


def _classes(
    path: Path,
) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...], LabelTable]:
    """The classes' names and colours, and the meaning of the values in a mask."""
    if not path.is_file():
        raise DataError(f"{path}: missing; it names the classes, one a line, in label order")
    names: list[str] = []
    colours: list[tuple[int, int, int]] = []
    void = VOID
    for line in lists.read(path):
        words = line.words
        if words[0] == "void" and len(words) == 2 and words[1].isdigit():
            void = int(words[1])
            continue
        channels = [int(word) for word in words[-3:] if word.isdigit() and int(word) < 256]
        coloured = len(words) > 3 and len(channels) == 3
        names.append(" ".join(words[:-3] if coloured else words))
        colour = (channels[0], channels[1], channels[2]) if coloured else None
        colours.append(colour or voc_palette(len(names) + 1)[-1])
    if not 2 <= len(names) < _MOST_CLASSES or void > VOID:
        raise DataError(f"{path}: must name 2..254 classes and void 0..255, got {len(names)}")
    values = [value for value in range(len(names) + 1) if value != void][: len(names)]
    labels = {value: label for label, value in enumerate(values)}
    allowed = f"{values[0]}..{values[-1]} or void ({void}{'' if void == VOID else ', 255'})"
    table = LabelTable.of({**labels, void: VOID, VOID: VOID}, allowed)
    return tuple(names), tuple(colours), table


def _from_folder(root: Path, split: str, table: LabelTable) -> tuple[Sample, ...]:
    images, masks = root / "images" / split, root / "masks" / split
    for folder in (images, masks):
        if not folder.is_dir():
            raise DataError(f"{folder}: missing; a folder dataset has images/ and masks/")
    files.require_pairs(images, masks)
    found = sorted(path for path in images.glob("*") if path.name[0] != ".")
    for path in found:
        if path.suffix.lower() not in _SUFFIXES:
            raise DataError(f"{path}: an image's name must end in {', '.join(_SUFFIXES)}")
    return tuple(Pair(path.stem, path, masks / f"{path.stem}.png", table) for path in found)


def _from_csv(path: Path, table: LabelTable) -> dict[str, tuple[Sample, ...]]:
    rows = csv.DictReader(io.StringIO(files.read_bytes(path).decode(errors="replace")))
    if not {"image", "mask", "split"} <= set(rows.fieldnames or ()):
        raise DataError(f"{path}: needs the columns image, mask, split, got {rows.fieldnames}")
    splits: dict[str, tuple[Sample, ...]] = {}
    for number, row in enumerate(rows, start=2):
        split, listed = row["split"], f"{path.name}:{number}"
        if split not in SPLITS:
            raise DataError(f"{path}:{number}: split must be train, val or test, got {split!r}")
        image, mask = (
            lists.inside(path.parent, row[key] or "", listed) for key in ("image", "mask")
        )
        pair = Pair(image.stem, image, mask, table, listed)
        splits[split] = (*splits.get(split, ()), pair)
    return splits


def _listed(root: Path, line: lists.Line, table: LabelTable) -> Pair:
    if len(line.words) > 1:
        image, mask = (lists.inside(root, text, line.listed) for text in line.words[:2])
        return Pair(image.stem, image, mask, table, line.listed)
    named = lists.inside(root, f"images/{line.words[0]}", line.listed)
    candidates = [named, *(named.with_name(named.name + suffix) for suffix in _SUFFIXES)]
    image = next((path for path in candidates if path.is_file()), named)
    mask = root / "masks" / image.relative_to((root / "images").resolve()).with_suffix(".png")
    return Pair(image.stem, image, mask, table, line.listed)
