"""The images and masks of a folder as its user names them: ``data/images``, ``data/masks``,
``data/samples``. Nothing in the folder needs a name of ours, and nothing is written there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from trainables.config import DataConfig
from trainables.data import lists, named_files, pairing, sample_table
from trainables.data.dataset import DataError
from trainables.data.label_tables import MaskReader
from trainables.data.named_files import NamedFiles, is_pattern
from trainables.data.samples import SPLITS, Pair

_OF_TEN = (
    "no list and no folder says which image is in which split: of every ten images in name order, "
    "the ninth is for validation and the tenth for the test"
)


class Named(NamedTuple):
    """The pairs of a folder."""

    splits: dict[str, tuple[Pair, ...]]
    notes: tuple[str, ...]
    """What the user should know of how they were found."""
    places: tuple[Path, ...] = ()
    """The folders that the user has named, which may be links."""


def named(root: Path, config: DataConfig, table: MaskReader) -> Named:
    """The pairs that the config names.

    Raises:
        DataError: files that pair with none, or a list that names others.
    """
    if path := table_of(root, config):
        found = _of_table(root, path, config, table)
    else:
        images, masks = files_of(root, config)
        found = _of_files(root, config, table, _apart(root, config, images, masks))
    return _listed(root, config, found)


def table_of(root: Path, config: DataConfig) -> Path | None:
    """The table that the config names, or whose columns it names; None for no table.

    Raises:
        DataError: there is no such table, or several, or files have the columns' names.
    """
    if config.samples:
        return sample_table.require_file(root, config.samples)
    both = config.images and config.masks
    found = [
        path
        for path in sample_table.tables(root)
        if both and sample_table.has(path, config.images, config.masks)
    ]
    if config.split_column and not found:
        raise DataError(f"--split-column needs --samples, got {config.split_column!r}")
    if found and (len(found) > 1 or all(one.paths for one in files_of(root, config))):
        others = "several tables" if len(found) > 1 else "files and a table"
        raise DataError(
            f"{root}: --images {config.images} and --masks {config.masks} name {others} "
            f"({', '.join(path.name for path in found)}): give --samples {found[0].name} for the "
            f"table, or a pattern such as '{config.images}/*' for the files"
        )
    return found[0] if found else None


def texts(root: Path, config: DataConfig) -> tuple[str, str]:
    """What names images, and what names masks; images beside their masks need no name."""
    masks = config.masks or "masks"
    beside = not (root / "images").is_dir() and not (root / masks).is_dir()
    return config.images or ("." if config.masks and beside else "images"), masks


def files_of(root: Path, config: DataConfig) -> tuple[NamedFiles, NamedFiles]:
    """The files that the config names as images, and as masks."""
    image_text, mask_text = texts(root, config)
    beside = image_text if not is_pattern(image_text) else str(Path(image_text).parent)
    if is_pattern(beside) or not (root / beside).is_dir():
        beside = ""
    return named_files.find(root, image_text), named_files.find(root, mask_text, beside)


def _apart(
    root: Path, config: DataConfig, images: NamedFiles, masks: NamedFiles
) -> tuple[NamedFiles, NamedFiles]:
    """Both, where one of them lies within the other: images beside their masks."""
    both = set(images.paths) & set(masks.paths)
    if not both:
        return images, masks
    if len(both) == len(masks.paths) < len(images.paths):
        return images.without(masks), masks
    if len(both) == len(images.paths) < len(masks.paths):
        return images, masks.without(images)
    one, other = texts(root, config)
    raise DataError(
        f"{root}: --images {one} and --masks {other} name the same files: {len(both)}, "
        f"{sorted(both)[0]} is one"
    )


def _of_files(
    root: Path, config: DataConfig, table: MaskReader, both: tuple[NamedFiles, NamedFiles]
) -> Named:
    images, masks = both
    found = pairing.pair(images.names, masks.names)
    if not found.is_complete:
        shown = [[_from(root, path) for path in one.paths] for one in both]
        one, other = texts(root, config)
        raise DataError(
            f"{root}: --images {one} and --masks {other} do not pair: "
            f"{pairing.described(found, *shown)}; a mask belongs to the image with the same "
            f"numbers and words, but for those that all images or all masks have"
        )
    stems = [path.stem for path in images.paths]
    names = stems if len(set(stems)) == len(stems) else images.names
    pairs = [
        Pair(names[image], images.paths[image], masks.paths[mask], table)
        for image, mask in found.pairs
    ]
    listed = [images.names[image] for image, _ in found.pairs]
    splits, note = _splits(root, config, listed, pairs)
    unread = sample_table.find(root)
    notes = (f"{unread.name} is not read: --images and --masks name files",) if unread else ()
    places = named_files.places(root, *texts(root, config))
    return Named(splits, (note, *notes, *named_files.ignored(*both)), places)


def _from(root: Path, path: Path) -> str:
    """A path from the dataset's folder; whole, if the user has named another one."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _splits(
    root: Path, config: DataConfig, names: Sequence[str], pairs: Sequence[Pair]
) -> tuple[dict[str, tuple[Pair, ...]], str]:
    """The pairs of each split, by folders that are called so, or else by counting; and a note."""
    words = [_split_words(name) for name in names]
    known = {lists.SPLIT_WORDS[word.lower()] for one in words for word in one}
    if len(known) < 2 or "train" not in known:
        return _undivided(config, pairs)
    if strange := [name for name, one in zip(names, words, strict=True) if len(one) != 1]:
        raise DataError(
            f"{root}: some images lie in folders of splits ({', '.join(sorted(known))}), and "
            f"{len(strange)} in none, or in two: {', '.join(strange[: pairing.NAMED])}"
        )
    splits: dict[str, list[Pair]] = {}
    for pair, (word,) in zip(pairs, words, strict=True):
        splits.setdefault(lists.SPLIT_WORDS[word.lower()], []).append(pair)
    folders = sorted({word for one in words for word in one})
    said = ", ".join(f"{word}/ is {lists.SPLIT_WORDS[word.lower()]}" for word in folders)
    return {split: tuple(those) for split, those in splits.items()}, f"splits by folder: {said}"


def _split_words(name: str) -> tuple[str, ...]:
    folders = name.split("/")[:-1]
    return tuple(dict.fromkeys(word for word in folders if word.lower() in lists.SPLIT_WORDS))


def _of_table(root: Path, path: Path, config: DataConfig, table: MaskReader) -> Named:
    columns = sample_table.Columns(
        config.images or "image", config.masks or "mask", config.split_column or None
    )
    splits = sample_table.read(path, table, columns, root)
    said = f"images and masks are those of {path.name}, columns {columns.image} and {columns.mask}"
    if sample_table.ALL not in splits:
        return Named(splits, (said,))
    pairs = sorted(splits[sample_table.ALL], key=lambda pair: pair.image)
    splits, note = _undivided(config, pairs)
    return Named(splits, (said, note))


def _undivided(
    config: DataConfig, pairs: Sequence[Pair]
) -> tuple[dict[str, tuple[Pair, ...]], str]:
    """The splits of pairs that nothing divides, and a note. With folds, nobody has named a test
    list to keep out of them."""
    if config.folds:
        return {"train": tuple(pairs)}, "no list and no folder divides the images: the folds do"
    return sample_table.of_ten(pairs), _OF_TEN


def _listed(root: Path, config: DataConfig, found: Named) -> Named:
    """The same pairs in the splits of list files, where there are any."""
    official = lists.named_after_splits(root, ".txt")
    requested = set(lists.requested_lists(config).values()) - {""}
    if not official and not requested:
        return found
    by_name = _by_name(root, (pair for pairs in found.splits.values() for pair in pairs))

    def of_line(line: lists.Line) -> list[Pair]:
        return [_named_by(line, root, by_name)]

    if official:
        splits = lists.read_splits(root, config, official, of_line)
        said = f"splits are those of {', '.join(path.name for path in official.values())}"
    else:
        splits = lists.of_splits(root, config, lambda split: found.splits.get(split, ()), of_line)
        given = [split for split, name in lists.requested_lists(config).items() if name]
        said = f"lists of the user's own: {', '.join(f'data/{split}_list' for split in given)}"
        if not set(SPLITS) <= set(given):
            return found._replace(splits=splits, notes=(*found.notes, said))
    kept = tuple(note for note in found.notes if note != _OF_TEN and "splits by" not in note)
    return found._replace(splits=splits, notes=(*kept, said))


def _by_name(root: Path, pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """The pairs by every name that a list may give their image."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        inside = _from(root, pair.image)
        names = {pair.name, pair.image.name, pair.image.stem, inside, inside.rpartition(".")[0]}
        for name in names - {""}:
            found.setdefault(name, []).append(pair)
    return found


def _named_by(line: lists.Line, root: Path, by_name: dict[str, list[Pair]]) -> Pair:
    found = by_name.get(line.text.lstrip("/"), [])
    if len(found) != 1:
        what = "none" if not found else f"{len(found)}"
        raise DataError(
            f"{root / line.listed}: {line.text!r} names {what} of the images of --images; give a "
            f"path from {root}"
        )
    return replace(found[0], listed=line.listed)
