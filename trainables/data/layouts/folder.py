"""A user's own data: `images/` and `masks/` with the same names, or a CSV with their paths.

`classes.txt` names the classes and their colours, see ``trainables/data/classes.py``; what a mask's
values mean is in ``trainables/data/mask_meaning.py``. The splits come from the first of these that
exists: `data/train_list ..`;
`samples.csv` with the columns image, mask, split; the folders `images/train/ images/val/
images/test/`; `train.txt val.txt test.txt` with a name or two paths per line; else, of every ten
images in name order, the ninth is for validation and the tenth for the test.
"""

import csv
import io
from dataclasses import replace
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import classes, files, lists, mask_meaning
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS, LabelTable, Layout, Pair

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def layout(config: DataConfig) -> Layout:
    root = files.folder(config.root, "folder")
    named = classes.read(root / "classes.txt")
    table = LabelTable.of(named.by_value, "")  # until all masks are known
    splits: dict[str, tuple[Pair, ...]]
    listed = any((root / f"{split}.txt").is_file() for split in SPLITS)
    if any(lists.requested_lists(config).values()) or listed:
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
    masks = [pair.mask for pairs in splits.values() for pair in pairs]
    files.require_inside(root, masks)
    meaning = mask_meaning.decide(named, masks)
    return Layout(
        "folder",
        named.names,
        named.pictures,
        {
            split: tuple(replace(pair, table=meaning.reader) for pair in pairs)
            for split, pairs in splits.items()
        },
        rules=meaning.rules,
        notes=meaning.notes,
    )


def _from_folder(root: Path, split: str, table: LabelTable) -> tuple[Pair, ...]:
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


def _from_csv(path: Path, table: LabelTable) -> dict[str, tuple[Pair, ...]]:
    rows = csv.DictReader(io.StringIO(files.read_bytes(path).decode(errors="replace")))
    if not {"image", "mask", "split"} <= set(rows.fieldnames or ()):
        raise DataError(f"{path}: needs the columns image, mask, split, got {rows.fieldnames}")
    splits: dict[str, tuple[Pair, ...]] = {}
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
