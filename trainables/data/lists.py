"""Which images are in a split: those of the official list, or of one that the user names.

``data/train_list`` (and ``val_list``, ``test_list``) is the name of another official list
(``train_aug``, ``trainval``) or the path of a file, absolute or relative to the dataset's folder.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trainables.config import DataConfig
from trainables.data import text
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS

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
EXTRA = "extra"
"""The split of ``data/extra_list``."""
TRAINVAL = "trainval"
"""The official training and validation lists together."""
S = TypeVar("S")


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
    extra = {EXTRA: config.extra_list} if config.extra_list else {}
    return {"train": config.train_list, "val": config.val_list, "test": config.test_list, **extra}


def find(root: Path, requested: str, folder: Path) -> Path | None:
    """The file of a requested list, by its path or by its name in ``folder``; None without one."""
    by_path = [Path(requested).expanduser(), root / requested]
    candidates = [*by_path, folder / f"{requested}.txt"]
    return next((path for path in candidates if path.is_file()), None)


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
    """``of_splits`` where the official lists are files, by split."""

    def of(split: str) -> Iterator[S]:
        path = official.get(split)
        if path is not None and not path.is_file():
            raise DataError(f"{path}: missing; give another list with data/{path.stem}_list")
        return (one for line in (read(path) if path else ()) for one in samples_of(line))

    return of_splits(root, config, of, samples_of, next(iter(official.values())).parent)


def of_splits(
    root: Path,
    config: DataConfig,
    official: Callable[[str], Iterable[S]],
    samples_of: Callable[[Line], Iterable[S]],
    folder: Path | None = None,
    names: Sequence[str] = SPLITS,
) -> dict[str, tuple[S, ...]]:
    """By split, what is in its list: the one that the user gives, or the official one, if any.

    A list is given as a file, as the name of a file in ``folder``, or as ``train``, ``val``,
    ``test`` or ``trainval``, the official ones.

    Args:
        official: what is in the official list of a split; nothing where there is none.
        samples_of: what a line of a file names.
        folder: of the official files; by default the dataset's.
        names: of the official lists.

    Raises:
        DataError: a requested list does not exist.
    """
    folder = folder or root

    def requested(split: str, name: str) -> tuple[S, ...]:
        if (path := find(root, name, folder)) is not None:
            return tuple(one for line in read(path) for one in samples_of(line))
        parts = ("train", "val") if name == TRAINVAL else (name,)
        if not set(parts) <= set(names):
            raise DataError(f"{folder / name}.txt: missing; no list {name!r} in {root} either")
        found = [tuple(official(part)) for part in parts]
        if not all(found):
            raise DataError(f"data/{split}_list: {root} has no list {name!r}; give the path of one")
        return tuple(one for part in found for one in part)

    return {
        split: requested(split, name) if name else tuple(official(split))
        for split, name in requested_lists(config).items()
    }
