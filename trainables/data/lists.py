"""Which images are in a split: those of the official list, or of one that the user names.

``data/train_list`` (and ``val_list``, ``test_list``) is the name of another official list
(``train_aug``) or the path of a file, absolute or relative to the dataset's folder.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trainables.config import DataConfig
from trainables.data import text
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS, Sample

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""The words for a split in a user's own files."""
S = TypeVar("S", bound=Sample)


@dataclass(frozen=True)
class Line:
    """One line of a list file."""

    words: tuple[str, ...]
    """It, cut at blanks."""
    text: str
    """It, whole."""
    listed: str
    """``val.txt:3``"""


def requested_lists(config: DataConfig) -> dict[str, str]:
    """By split, the list that the user gives; empty for the official one."""
    return {"train": config.train_list, "val": config.val_list, "test": config.test_list}


def find(root: Path, requested: str, official: Path) -> Path:
    """The list file: the requested one, by its path or name, or else the official one.

    Raises:
        DataError: it does not exist.
    """
    candidates = [official]
    if requested:
        by_path = [Path(requested).expanduser(), root / requested]
        candidates = [*by_path, official.parent / f"{requested}.txt"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if requested:
        raise DataError(f"{candidates[-1]}: missing; no list {requested!r} in {root} either")
    raise DataError(f"{official}: missing; give another list with data/{official.stem}_list")


def read(path: Path, *, names_files: bool = True) -> list[Line]:
    """The lines of a list file, without empty ones and comments.

    Raises:
        DataError: it is empty, or a line is in an unknown encoding.
    """
    lines = [
        Line(tuple(line.split()), line.strip(), f"{path.name}:{number}")
        for number, line in enumerate(text.read_lines(path, names_files=names_files), start=1)
        if not text.is_comment(line)
    ]
    if not lines:
        raise DataError(f"{path}: empty, at least one image is needed")
    return lines


def named_after_splits(folder: Path, suffix: str) -> dict[str, Path]:
    """By split, the children of a folder that have its name: `val.txt`, or `valid.txt`.

    Raises:
        DataError: there are two for a split.
    """
    found: dict[str, Path] = {}
    for word, split in SPLIT_WORDS.items():
        path = folder / f"{word}{suffix}"
        if path.is_file() if suffix else path.is_dir():
            if split in found:
                raise DataError(f"{path}: beside {found[split].name}, one of them must go")
            found[split] = path
    return found


def inside(root: Path, name: str, listing: str) -> Path:
    """The path that a list gives, below this folder; raise a DataError if it leads out of it.

    A path that begins with / is one below the folder too, unless it names a file elsewhere. A link
    below the folder may lead anywhere: ``files.require_inside`` decides about links.
    """
    found = (candidate for candidate in _candidates(root, name) if os.path.isfile(candidate))
    candidate = next(found, root / name.lstrip("/"))
    path = candidate.resolve()
    if candidate.is_relative_to(root) and ".." not in candidate.relative_to(root).parts:
        return path if path.is_relative_to(root.resolve()) else candidate
    if not path.is_relative_to(root.resolve()):
        raise DataError(f"{root / listing}: {name!r} leads out of the dataset's folder {root}")
    return path


def found_inside(root: Path, name: str, listing: str) -> Path | None:
    """``inside`` for a file that exists; None for another."""
    if not any(os.path.isfile(candidate) for candidate in _candidates(root, name)):
        return None
    return inside(root, name, listing)


def _candidates(root: Path, name: str) -> list[Path]:
    """Where a name in a list may lead: below the folder, anywhere, or as Windows writes it."""
    below = root / name.lstrip("/")
    windows = [root / name.replace("\\", "/").lstrip("/")] if "\\" in name else []
    return [below, *([Path(name)] if name.startswith("/") else []), *windows]


def two_paths(root: Path, line: Line) -> tuple[Path, Path]:
    """An image and a mask on one line, whose names may hold blanks.

    Raises:
        DataError: the line can be read in no way, or in two ways, as two files.
    """
    ways = _ways(line.text)
    found = [
        (image, mask)
        for first, second in ways
        if (image := found_inside(root, first, line.listed))
        and (mask := found_inside(root, second, line.listed))
    ]
    if len(dict.fromkeys(found)) == 1:
        return found[0]
    if not found and len(ways) == 1:
        return inside(root, ways[0][0], line.listed), inside(root, ways[0][1], line.listed)
    raise DataError(
        f"{root / line.listed}: {line.text!r} must be an image's name, or the paths of an image "
        f"and a mask that exist, with a tab between them if they hold blanks"
    )


def _ways(line: str) -> list[tuple[str, str]]:
    """Every way to cut a line in two: at a tab if there is one, else at any blank."""
    if line.count("\t") == 1:
        first, second = line.split("\t")
        return [(first.strip(), second.strip())]
    places = [place for place, letter in enumerate(line) if letter.isspace()]
    cuts = [(line[:place].strip(), line[place:].strip()) for place in places]
    quoted = [(first.strip("\"'"), second.strip("\"'")) for first, second in cuts]
    return list(dict.fromkeys(quoted))


def read_splits(
    root: Path,
    config: DataConfig,
    official: Mapping[str, Path],
    samples_of: Callable[[Line], Iterable[S]],
) -> dict[str, tuple[S, ...]]:
    """The samples of every split that has an official list or one that the user gives."""
    splits = {}
    for split, requested in requested_lists(config).items():
        if requested or split in official:
            path = find(root, requested, official.get(split, next(iter(official.values()))))
            lines = read(path)
            splits[split] = tuple(sample for line in lines for sample in samples_of(line))
    return splits


def complete(
    splits: Mapping[str, tuple[Sample, ...]], config: DataConfig
) -> dict[str, tuple[Sample, ...]]:
    """The training, validation and test lists, each limited to the config's number of images.

    Where the labels of the test list are not public, the official validation list serves as both,
    as in the papers. ``data/holdout`` takes validation images from the training list instead, so
    that trials are not ranked on the images they are tested on.

    Raises:
        DataError: a split without images.
    """
    full = {split: splits.get(split, ()) for split in SPLITS}
    full["test"] = full["test"] or full["val"]
    full["val"] = full["val"] or full["test"]
    if config.holdout:
        # Every step-th image, not the last ones: neighbours in a list are often frames of one film.
        step = config.holdout
        full["val"] = full["train"][step - 1 :: step]
        rest = [x for index, x in enumerate(full["train"]) if index % step != step - 1]
        full["train"] = tuple(rest)
    for split, samples in full.items():
        if not samples:
            raise DataError(f"{config.root}: no images for {split}; give data/{split}_list")
    limits = {"train": config.train_images, "val": config.val_images, "test": config.test_images}
    return {split: samples[: limits[split] or None] for split, samples in full.items()}
