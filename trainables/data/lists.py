"""Which images make up a split: the official list, or one that the user names.

``data/train_list`` (and ``val_list``, ``test_list``) is the name of another official list
(``train_aug``) or the path of a file, from the dataset's folder or absolute.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files
from trainables.data.dataset import DataError
from trainables.data.samples import SPLITS, Sample


@dataclass(frozen=True)
class Line:
    """One line of a list file."""

    words: tuple[str, ...]
    listed: str
    """``val.txt:3``"""


def asked_lists(config: DataConfig) -> dict[str, str]:
    return {"train": config.train_list, "val": config.val_list, "test": config.test_list}


def find(root: Path, asked: str, official: Path) -> Path:
    """The list file: the one asked for, by path or by an official list's name, or the official.

    Raises:
        DataError: it is not there.
    """
    candidates = [official]
    if asked:
        candidates = [Path(asked).expanduser(), root / asked, official.parent / f"{asked}.txt"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if asked:
        raise DataError(f"{candidates[-1]}: missing; no list {asked!r} in {root} either")
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
    """A list's path as a file of this folder; one that leads out of it is refused."""
    path = (root / text.lstrip("/")).resolve()
    if not path.is_relative_to(root.resolve()):
        raise DataError(f"{root / listing}: {text!r} leads out of the dataset's folder")
    return path


def read_splits(
    root: Path,
    config: DataConfig,
    official: Mapping[str, Path],
    samples_of: Callable[[Line], Iterable[Sample]],
) -> dict[str, tuple[Sample, ...]]:
    """Every split that has an official list, or that the user gives one for."""
    splits = {}
    for split, asked in asked_lists(config).items():
        if asked or split in official:
            path = find(root, asked, official.get(split, next(iter(official.values()))))
            lines = read(path)
            splits[split] = tuple(sample for line in lines for sample in samples_of(line))
    return splits


def complete(
    splits: Mapping[str, tuple[Sample, ...]], config: DataConfig
) -> dict[str, tuple[Sample, ...]]:
    """Training, validation and test list, each limited as the config says.

    Where the labels of the test list are not public, the official validation list is both, as in
    the papers, unless ``data/holdout`` ranks trials on images taken out of the training list.

    Raises:
        DataError: a split without images.
    """
    whole = {split: splits.get(split, ()) for split in SPLITS}
    whole["test"] = whole["test"] or whole["val"]
    whole["val"] = whole["val"] or whole["test"]
    if config.holdout:
        step = config.holdout
        whole["val"] = whole["train"][step - 1 :: step]
        kept = [x for index, x in enumerate(whole["train"]) if index % step != step - 1]
        whole["train"] = tuple(kept)
    for split, samples in whole.items():
        if not samples:
            raise DataError(f"{config.root}: no images for {split}; give data/{split}_list")
    limits = {"train": config.train_images, "val": config.val_images, "test": config.test_images}
    return {split: samples[: limits[split] or None] for split, samples in whole.items()}
