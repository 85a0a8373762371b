"""A table of images, masks and splits, as spreadsheets write them: `samples.csv`, or a user's own.

Columns may be in any order and case, separated by commas, semicolons or tabs; others are ignored.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainables.data import lists, text
from trainables.data.dataset import DataError
from trainables.data.label_tables import MaskReader
from trainables.data.samples import SPLITS, Pair

_DELIMITERS = (",", ";", "\t")
_NAMES = ("samples.csv", "samples.tsv")
_OF_TEN = ("train",) * 8 + ("val", "test")
"""Of ten images, where nothing else decides."""
ALL = "all"
"""The split of a row in a table without splits."""


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns."""

    image: str = "image"
    mask: str = "mask"
    split: str | None = "split"
    """None: the one whose every cell is a split's name, or no column."""

    @property
    def required(self) -> tuple[str, ...]:
        return (self.image, self.mask, *([self.split] if self.split else []))


def find(root: Path) -> Path | None:
    """The table of a dataset's folder that has its usual name, or None.

    Raises:
        DataError: there are two.
    """
    found = [root / name for name in _NAMES if (root / name).is_file()]
    if len(found) > 1:
        raise DataError(f"{found[1]}: beside {found[0].name}, one of them must go")
    return found[0] if found else None


def tables(root: Path) -> list[Path]:
    """Every table in a dataset's folder."""
    return sorted(path for suffix in ("csv", "tsv") for path in root.glob(f"[!.]*.{suffix}"))


def columns(path: Path) -> list[str]:
    """The names of a table's columns; none of a file that is no table."""
    try:
        return _header(path)[1]
    except DataError:
        return []


def has(path: Path, *names: str) -> bool:
    """Whether a table has these columns, in whatever case."""
    known = [name.lower() for name in columns(path)]
    return all(name.lower() in known for name in names)


def read(
    path: Path, table: MaskReader, names: Columns = Columns(), root: Path | None = None
) -> dict[str, tuple[Pair, ...]]:
    """The pairs of each split, in the order of the rows.

    A table without splits has all of them in ``ALL``.

    Args:
        path: of the table.
        table: how masks are read.
        names: of the columns.
        root: the folder where paths in cells begin; by default the table's.

    Raises:
        DataError: columns that lack, or the first row that cannot be understood.
    """
    root = root or path.parent
    header, rows = _rows(path, names)
    split_column = names.split or _split_column(path, header, rows)
    splits: dict[str, list[Pair]] = {}
    for number, cells in rows:
        listed = f"{path.name}:{number}"
        for name in (names.image, names.mask, *([split_column] if split_column else [])):
            if not cells[name.lower()]:
                raise DataError(f"{path}:{number}: has no {name}")
        split = _split(path, number, cells[split_column.lower()]) if split_column else ALL
        image, mask = (
            lists.inside(root, cells[name.lower()], listed) for name in (names.image, names.mask)
        )
        splits.setdefault(split, []).append(Pair(image.stem, image, mask, table, listed))
    if not splits:
        raise DataError(f"{path}: empty, at least one image is needed")
    return {split: tuple(pairs) for split, pairs in splits.items()}


def of_ten(pairs: Sequence[Pair]) -> dict[str, tuple[Pair, ...]]:
    """Of every ten pairs, eight to train on, the ninth for validation, the tenth for the test."""
    return {
        split: tuple(pair for index, pair in enumerate(pairs) if _OF_TEN[index % 10] == split)
        for split in SPLITS
    }


def _split(path: Path, number: int, cell: str) -> str:
    split = lists.SPLIT_WORDS.get(cell.lower())
    if split is None:
        raise DataError(f"{path}:{number}: split must be train, val or test, got {cell!r}")
    return split


def _split_column(
    path: Path, header: Sequence[str], rows: Sequence[tuple[int, dict[str, str]]]
) -> str:
    """The one column of splits' names; "" for none."""
    if "split" in header:
        return "split"
    found = [
        name
        for name in header
        if rows and all(cells[name].lower() in lists.SPLIT_WORDS for _, cells in rows)
    ]
    if len(found) > 1:
        raise DataError(f"{path}: the columns {', '.join(found)} hold splits: give --split-column")
    return found[0] if found else ""


def _rows(path: Path, names: Columns) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns in small letters, and each row's line number and its cells by column."""
    delimiter, header = _header(path)
    header = [name.lower() for name in header]
    first, *others = _lines(path)
    if any(header.count(name.lower()) != 1 for name in names.required):
        raise DataError(
            f"{path}:{first[0]}: needs the columns {', '.join(names.required)} once each, got "
            f"{', '.join(header)}; --images, --masks and --split-column name others"
        )
    return header, list(_cells_of(path, header, delimiter, others))


def _cells_of(
    path: Path, header: Sequence[str], delimiter: str, lines: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in lines:
        row = _cells(line, delimiter)
        if any(row[len(header) :]):
            raise DataError(
                f"{path}:{number}: has {len(row)} cells, the header {len(header)}; a name with "
                f"{delimiter!r} needs quotes"
            )
        padded = row + [""] * len(header)
        yield number, dict(zip(header, padded, strict=False))


def _header(path: Path) -> tuple[str, list[str]]:
    """What separates cells, and the names of the columns."""
    first = _lines(path)[0][1]
    delimiter = max(_DELIMITERS, key=first.count)
    return delimiter, _cells(first, delimiter)


def _lines(path: Path) -> list[tuple[int, str]]:
    kept = [
        (number, line)
        for number, line in enumerate(text.read_lines(path, names_files=True), start=1)
        if not text.is_comment(line)
    ]
    if not kept:
        raise DataError(f"{path}: empty, at least one image is needed")
    return kept


def _cells(line: str, delimiter: str) -> list[str]:
    return [
        cell.strip()
        for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    ]


def require_file(root: Path, name: str) -> Path:
    """The table that ``data/samples`` names, in the dataset's folder or anywhere."""
    for path in (root / name, Path(name).expanduser()):
        if os.path.isfile(path):
            return path
    raise DataError(f"--samples must be a CSV or TSV file, in {root} or by its path, got {name!r}")
