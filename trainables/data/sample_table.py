"""`samples.csv` or `samples.tsv`: images, masks and splits, as spreadsheets write them."""

import csv
from collections.abc import Iterator
from pathlib import Path

from trainables.data import lists, text
from trainables.data.dataset import DataError
from trainables.data.samples import MaskReader, Pair

_COLUMNS = ("image", "mask", "split")
_DELIMITERS = (",", ";", "\t")
_NAMES = ("samples.csv", "samples.tsv")


def find(root: Path) -> Path | None:
    """The table of a dataset's folder, or None.

    Raises:
        DataError: there are two.
    """
    found = [root / name for name in _NAMES if (root / name).is_file()]
    if len(found) > 1:
        raise DataError(f"{found[1]}: beside {found[0].name}, one of them must go")
    return found[0] if found else None


def read(path: Path, table: MaskReader) -> dict[str, tuple[Pair, ...]]:
    """The pairs of each split, in the order of the rows.

    Columns may be in any order and case, separated by commas, semicolons or tabs; others are
    ignored.

    Raises:
        DataError: the first row that cannot be understood.
    """
    splits: dict[str, list[Pair]] = {}
    for number, row in _rows(path):
        listed, cells = f"{path.name}:{number}", dict(row)
        for name in _COLUMNS:
            if not cells[name]:
                raise DataError(f"{path}:{number}: has no {name}")
        split = lists.SPLIT_WORDS.get(cells["split"].lower())
        if split is None:
            raise DataError(
                f"{path}:{number}: split must be train, val or test, got {cells['split']!r}"
            )
        image, mask = (lists.inside(path.parent, cells[key], listed) for key in _COLUMNS[:2])
        splits.setdefault(split, []).append(Pair(image.stem, image, mask, table, listed))
    if not splits:
        raise DataError(f"{path}: empty, at least one image is needed")
    return {split: tuple(pairs) for split, pairs in splits.items()}


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line number and its cells by column."""
    kept = [
        (number, line)
        for number, line in enumerate(text.read_lines(path, names_files=True), start=1)
        if not text.is_comment(line)
    ]
    if not kept:
        raise DataError(f"{path}: empty, at least one image is needed")
    delimiter = max(_DELIMITERS, key=kept[0][1].count)
    cells = [(number, _cells(line, delimiter)) for number, line in kept]
    header = [name.lower() for name in cells[0][1]]
    if any(header.count(name) != 1 for name in _COLUMNS):
        raise DataError(
            f"{path}:{cells[0][0]}: needs the columns image, mask, split once each, got "
            f"{', '.join(header)}"
        )
    for number, row in cells[1:]:
        if any(row[len(header) :]):
            raise DataError(
                f"{path}:{number}: has {len(row)} cells, the header {len(header)}; a name with "
                f"{delimiter!r} needs quotes"
            )
        padded = row + [""] * len(header)
        yield number, dict(zip(header, padded, strict=False))


def _cells(line: str, delimiter: str) -> list[str]:
    return [
        cell.strip()
        for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    ]
