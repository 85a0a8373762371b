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
from trainables.config.data import FOLDER
from trainables.data import (
    classes,
    files,
    lists,
    mask_meaning,
    named_files,
    named_samples,
    sample_table,
    volumes,
)
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable, MaskReader
from trainables.data.named_files import SUFFIXES
from trainables.data.named_samples import Named
from trainables.data.samples import SPLITS, Layout, Pair


def layout(config: DataConfig) -> Layout:
    root = files.folder(config.root, FOLDER)
    is_named = _is_named(root, config)
    _require_present(root, config, is_named)
    named = classes.of(config)
    table = LabelTable.plain(len(named.names))
    if is_named:
        found = named_samples.named(root, config, table)
    else:
        found = Named(_splits(root, config, table), _ignored(root))
    masks = [pair.mask for pairs in found.splits.values() for pair in pairs]
    files.require_inside(root, masks, config.links, found.places)
    meaning = mask_meaning.decide(named, masks)
    pairs = {split: _read_by(meaning.reader, those) for split, those in found.splits.items()}
    files_of = Layout(
        FOLDER,
        named.names,
        named.pictures,
        pairs,
        rules=meaning.rules,
        notes=(*meaning.notes, *_unread_classes(root, config), *found.notes),
        places=found.places,
        class_255=f"`{named.source.entry('NAME', 255, 255, 255)}` in {named.source.name}",
    )
    return of_volumes(files_of, pairs)


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


def _unread_classes(root: Path, config: DataConfig) -> tuple[str, ...]:
    unread = bool(config.class_names) and (root / classes.FILE).is_file()
    return (f"{classes.FILE} is not read: --classes names the classes",) if unread else ()


def _is_named(root: Path, config: DataConfig) -> bool:
    """Whether the user names images or masks, or none of `masks/` is named as its image is."""
    if config.images or config.masks or config.samples or config.split_column:
        return True
    if _has_lists(root, config) or sample_table.find(root):
        return False
    images, masks = (
        {path.stem for path in (root / name).rglob("*.*") if not files.is_junk(path)}
        for name in ("images", "masks")
    )
    return bool(images and masks) and not images & masks


def _has_lists(root: Path, config: DataConfig) -> bool:
    requested = set(lists.requested_lists(config).values()) - {"", *SPLITS, lists.TRAINVAL}
    return bool(requested or lists.named_after_splits(root, ".txt"))


def _require_present(root: Path, config: DataConfig, is_named: bool) -> None:
    """Raise a DataError that names all that the folder lacks, and what it has instead."""
    has_classes = classes.are_given(config)
    lacks = [] if has_classes else [f"{classes.FILE}: missing, and no --classes"]
    if is_named:
        if named_samples.table_of(root, config) is None:
            texts = named_samples.texts(root, config)
            options = zip(("--images", "--masks"), texts, strict=True)
            found = zip(options, named_samples.files_of(root, config), strict=True)
            lacks += [
                f"{option} {text}: no folder, pattern or end of names that an image has"
                for (option, text), one in found
                if not one.paths
            ]
    elif not _has_lists(root, config) and not sample_table.find(root):
        lacks += [
            f"{name}/: missing, and no --{name}"
            for name in ("images", "masks")
            if not (root / name).is_dir()
        ]
    if lacks:
        raise DataError(
            f"{root}: {'; '.join(lacks)}; {named_files.seen(root, has_classes=has_classes)}"
        )


def _read_by(reader: MaskReader, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    return tuple(replace(pair, table=reader) for pair in pairs)


def _splits(root: Path, config: DataConfig, table: MaskReader) -> dict[str, tuple[Pair, ...]]:
    """The pairs of each split. ``table`` stands in until it is known how masks are read."""

    def listed(line: lists.Line) -> list[Pair]:
        return [_listed(root, line, table)]

    if _has_lists(root, config):
        official = lists.named_after_splits(root, ".txt")
        official = official or {split: root / f"{split}.txt" for split in SPLITS}
        return lists.read_splits(root, config, official, listed)
    usual = _without_lists(root, config, table)
    return lists.of_splits(root, config, lambda split: usual.get(split, ()), listed)


def _without_lists(
    root: Path, config: DataConfig, table: MaskReader
) -> dict[str, tuple[Pair, ...]]:
    """The splits of a folder without list files: by a table, by folders, or by counting."""
    if table_file := sample_table.find(root):
        return sample_table.read(table_file, table)
    folders = lists.named_after_splits(root / "images", "")
    if "train" in folders:
        return {split: _from_folder(root, path.name, table) for split, path in folders.items()}
    every = _from_folder(root, "", table)
    # With folds, nobody has named a test list to keep out of them.
    return {"train": every} if config.folds else sample_table.of_ten(every)


def _from_folder(root: Path, split: str, table: MaskReader) -> tuple[Pair, ...]:
    images, masks = root / "images" / split, root / "masks" / split
    for folder in (images, masks):
        if not folder.is_dir():
            raise DataError(f"{folder}: missing; a folder dataset has images/ and masks/")
    files.require_pairs(images, masks)
    found = sorted(path for path in images.glob("*") if not files.is_junk(path))
    for path in found:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{path}: an image's name must end in {', '.join(SUFFIXES)}")
    stems = {path.stem: path for path in found}
    for path in found:
        if stems[path.stem] != path:
            raise DataError(f"{path}: has the same mask as {stems[path.stem].name}; rename one")
    return tuple(Pair(path.stem, path, _mask_of(masks, path.stem), table) for path in found)


def _mask_of(folder: Path, stem: str) -> Path:
    """The mask of this name: a PNG, or another image if there is no PNG."""
    candidates = [folder / f"{stem}{suffix}" for suffix in SUFFIXES]
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
    stem = image.stem if image.suffix.lower() in SUFFIXES else image.name
    return Pair(stem, image, _mask_of(folder, stem), table, line.listed)


def _image_named(root: Path, line: lists.Line) -> Path | None:
    """The image that the whole line names, in `images/` or from the dataset's folder."""
    for text in (f"images/{line.text}", line.text):
        for suffix in ("", *SUFFIXES):
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
