"""Which images are in a split: those of the official list, or of one that the user names.

``data/train_list`` (and ``val_list``, ``test_list``) is the name of another official list
(``train_aug``) or the path of a file, absolute or relative to the dataset's folder.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trainables.config import DataConfig
from trainables.data import files
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS, Sample

S = TypeVar("S", bound=Sample)


@dataclass(frozen=True)
class Line:
    """One line of a list file."""

    words: tuple[str, ...]
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


def read(path: Path) -> list[Line]:
    """The lines of a list file.

    Raises:
        DataError: it is empty.
    """
    text = files.read_bytes(path).decode(errors="replace")
    lines = [
        Line(tuple(line.split()), f"{path.name}:{number}")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if not lines:
        raise DataError(f"{path}: empty, at least one image is needed")
    return lines


def inside(root: Path, text: str, listing: str) -> Path:
    """The path that a list gives, below this folder; raise a DataError if it leads out of it."""
    path = (root / text.lstrip("/")).resolve()
    if not path.is_relative_to(root.resolve()):
        raise DataError(f"{root / listing}: {text!r} leads out of the dataset's folder")
    return path


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
