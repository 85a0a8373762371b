"""The films of a list: which of its images are frames of one, and their order.

Shape letters: N images of the list.
"""

import re
from collections.abc import Sequence

import numpy as np

from trainables.data.dataset import ImageList

_DIGITS = re.compile(r"(\d+)")


def by_number(name: str) -> tuple[tuple[bool, int, str], ...]:
    """What names are sorted by so that ``frame9`` comes before ``frame10``."""
    return tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in _DIGITS.split(name)
        if part
    )


def film(name: str) -> str:
    """The film of a frame of this name."""
    return name.rpartition("/")[0]


def rows_by_film(images: ImageList) -> list[list[int]]:
    """The places of each film's frames in a list, in the list's order; none for photographs."""
    found: dict[int, list[int]] = {}
    for row, number in enumerate(images.series_numbers or ()):
        found.setdefault(number, []).append(row)
    return list(found.values())


def of_several_sizes(images: ImageList, films: Sequence[list[int]]) -> str:
    """The first of these films whose frames differ in size; "" if none is."""
    sizes_N2 = images.sizes_N2
    mixed = (rows for rows in films if len(np.unique(sizes_N2[rows], axis=0)) > 1)
    return next((film(images.names[rows[0]]) for rows in mixed), "")
