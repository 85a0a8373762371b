"""A user's own data: `images/` and `masks/` with the same names, or a table with their paths.

`classes.txt` names the classes and their colours, see ``trainables/data/classes.py``; what a mask's
values mean is in ``trainables/data/mask_meaning.py``. The splits come from the first of these that
exists: `data/train_list ..`; `train.txt val.txt test.txt` with a name or two paths per line;
`samples.csv` or `samples.tsv` with the columns image, mask, split and paths from the dataset's
folder; the folders `images/train/ images/val/ images/test/`; else, of every ten images in name
order, the ninth is for validation and the tenth for the test. `valid` and `validation` are other
words for `val`. Lines that begin with # are comments; files of the operating system (`Thumbs.db`)
are ignored.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import (
    classes,
    files,
    lists,
    mask_meaning,
    photos,
    sample_table,
    volume_files,
    volumes,
)
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS, LabelTable, Layout, MaskReader, Pair

_SUFFIXES = (*photos.SUFFIXES, *volume_files.SUFFIXES)
_SPLITS = ("train",) * 8 + ("val", "test")
"""Of ten images, where nothing else decides."""


def layout(config: DataConfig) -> Layout:
    root = files.folder(config.root, "folder")
    named = classes.read(root / "classes.txt")
    splits = _splits(root, config, LabelTable.plain(len(named.names)))
    masks = [pair.mask for pairs in splits.values() for pair in pairs]
    files.require_inside(root, masks, config.links)
    meaning = mask_meaning.decide(named, masks)
    pairs = {split: _read_by(meaning.reader, pairs) for split, pairs in splits.items()}
    notes = (*meaning.notes, *_ignored(root))
    found = Layout("folder", named.names, named.pictures, pairs, rules=meaning.rules, notes=notes)
    return of_volumes(found, pairs)


def of_volumes(found: Layout, pairs: Mapping[str, tuple[Pair, ...]]) -> Layout:
    """The layout, slice by slice where its files are volumes."""
    slices = volumes.slices_of(pairs)
    if slices is None:
        return found
    return replace(
        found,
        splits=slices.splits,
        spacing_mm=slices.spacing_mm,
        groups=volumes.GROUPS,
        series="volume",
    )


def _read_by(reader: MaskReader, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    return tuple(replace(pair, table=reader) for pair in pairs)


def _splits(root: Path, config: DataConfig, table: MaskReader) -> dict[str, tuple[Pair, ...]]:
    """The pairs of each split. ``table`` stands in until it is known how masks are read."""
    official = lists.named_after_splits(root, ".txt")
    requested = set(lists.requested_lists(config).values()) - {"", *SPLITS, lists.TRAINVAL}

    def listed(line: lists.Line) -> list[Pair]:
        return [_listed(root, line, table)]

    if requested or official:
        official = official or {split: root / f"{split}.txt" for split in SPLITS}
        return lists.read_splits(root, config, official, listed)
    usual = _without_lists(root, table)
    return lists.of_splits(root, config, lambda split: usual.get(split, ()), listed)


def _without_lists(root: Path, table: MaskReader) -> dict[str, tuple[Pair, ...]]:
    """The splits of a folder without list files: by a table, by folders, or by counting."""
    if table_file := sample_table.find(root):
        return sample_table.read(table_file, table)
    folders = lists.named_after_splits(root / "images", "")
    if "train" in folders:
        return {split: _from_folder(root, path.name, table) for split, path in folders.items()}
    every = _from_folder(root, "", table)
    return {
        split: tuple(pair for index, pair in enumerate(every) if _SPLITS[index % 10] == split)
        for split in dict.fromkeys(_SPLITS)
    }


def _from_folder(root: Path, split: str, table: MaskReader) -> tuple[Pair, ...]:
    images, masks = root / "images" / split, root / "masks" / split
    for folder in (images, masks):
        if not folder.is_dir():
            raise DataError(f"{folder}: missing; a folder dataset has images/ and masks/")
    files.require_pairs(images, masks)
    found = sorted(path for path in images.glob("*") if not files.is_junk(path))
    for path in found:
        if path.suffix.lower() not in _SUFFIXES:
            raise DataError(f"{path}: an image's name must end in {', '.join(_SUFFIXES)}")
    stems = {path.stem: path for path in found}
    for path in found:
        if stems[path.stem] != path:
            raise DataError(f"{path}: has the same mask as {stems[path.stem].name}; rename one")
    return tuple(Pair(path.stem, path, _mask_of(masks, path.stem), table) for path in found)


def _mask_of(folder: Path, stem: str) -> Path:
    """The mask of this name: a PNG, or another image if there is no PNG."""
    candidates = [folder / f"{stem}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in candidates if os.path.isfile(path)), candidates[0])


def _listed(root: Path, line: lists.Line, table: MaskReader) -> Pair:
    image = _image_named(root, line)
    if image is None and len(line.words) > 1:
        image, mask = lists.two_paths(root, line)
        return Pair(image.stem, image, mask, table, line.listed)
    if image is None:
        image = lists.inside(root, f"images/{line.text}", line.listed)
    below = (root / "images").resolve()
    if not image.is_relative_to(below):
        raise DataError(
            f"{root / line.listed}: {line.text!r} is not in images/: give the mask's path beside it"
        )
    folder = root / "masks" / image.relative_to(below).parent
    # A name with a dot may be a whole one, `street.01`, or end in its suffix.
    stem = image.stem if image.suffix.lower() in _SUFFIXES else image.name
    return Pair(stem, image, _mask_of(folder, stem), table, line.listed)


def _image_named(root: Path, line: lists.Line) -> Path | None:
    """The image that the whole line names, in `images/` or from the dataset's folder."""
    for text in (f"images/{line.text}", line.text):
        for suffix in ("", *_SUFFIXES):
            path = lists.found_inside(root, text + suffix, line.listed)
            if path is not None:
                return path
    return None


def _ignored(root: Path) -> tuple[str, ...]:
    """A line about files that are not the user's."""
    names = sorted(
        {
            path.name
            for folder in ("images", "masks")
            for path in (root / folder).rglob("*")
            if files.is_junk(path)
        }
    )
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"ignored beside the images: {', '.join(names[:3])}{more}",) if names else ()
