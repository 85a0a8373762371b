"""Images of a list in memory: one array where all have one size, an array each where they differ.

Shape letters: N images, H rows, W columns, C colours.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, cast, overload, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Rows = slice | Sequence[int] | NDArray[np.integer]
"""Several places in a list."""
Map = NDArray[np.uint8 | np.uint16 | np.float32]
"""Labels (H,W) of uint8, or an image (H,W,C)."""
Size = tuple[int, int]
"""Rows and columns, in pixels."""


@runtime_checkable
class HasSizes(Protocol):
    """Maps whose sizes may differ."""

    @property
    def sizes_N2(self) -> NDArray[np.int64]: ...


def sizes_of(maps: object) -> NDArray[np.int64]:
    """(N,2): rows and columns of each map of an array, or of what is indexed like one."""
    if isinstance(maps, np.ndarray):
        return np.full((len(maps), 2), maps.shape[1:3], dtype=np.int64)
    assert isinstance(maps, HasSizes), type(maps)
    return maps.sizes_N2


def one_size(sizes_N2: NDArray[np.int64]) -> Size | None:
    """The size that all maps have; None if they differ."""
    rows, columns = map(int, sizes_N2[0])
    return (rows, columns) if (sizes_N2 == sizes_N2[0]).all() else None


class ManySizes:
    """Images, or their labels, of differing sizes. Indexed as an array of all of them would be:
    with one place it gives a map, with several another ``ManySizes``."""

    def __init__(self, maps: Sequence[Map]) -> None:
        self._maps = list(maps)

    @property
    def nbytes(self) -> int:
        return sum(one.nbytes for one in self._maps)

    @property
    def sizes_N2(self) -> NDArray[np.int64]:
        """Rows and columns of each."""
        return np.array([one.shape[:2] for one in self._maps], dtype=np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._maps)

    def __iter__(self) -> Iterator[Map]:
        return iter(self._maps)

    @overload
    def __getitem__(self, index: int | np.integer) -> Map: ...

    @overload
    def __getitem__(self, index: Rows) -> "ManySizes": ...

    def __getitem__(self, index: int | np.integer | Rows) -> "Map | ManySizes":
        if isinstance(index, int | np.integer):
            return self._maps[index]
        rows = np.arange(len(self))[index]
        return ManySizes([self._maps[row] for row in rows])


def indexed_as_array(maps: object) -> NDArray[np.uint8]:
    """The same object, typed as the array (N,H,W) or (N,H,W,C) that it is indexed like; that of
    images may have another type of values."""
    return cast(NDArray[np.uint8], maps)


def joined(maps: Sequence[Map]) -> NDArray[np.uint8]:
    """Maps behind one another: one array if they have one size, else a ``ManySizes``."""
    collector = Collector(len(maps))
    for one in maps:
        collector.add(one)
    return collector.collected()


class Collector:
    """Joins maps that come one at a time. Equal ones never take memory twice."""

    def __init__(self, count: int) -> None:
        """``count``: how many maps will be added, one or more."""
        self._count, self._added = count, 0
        self._whole: Map | None = None
        self._maps: list[Map] = []

    def add(self, one: Map) -> None:
        if not self._added:
            self._whole = np.empty((self._count, *one.shape), dtype=one.dtype)
        if self._whole is not None and one.shape != self._whole.shape[1:]:
            self._maps, self._whole = [row.copy() for row in self._whole[: self._added]], None
        if self._whole is not None:
            self._whole[self._added] = one
        else:
            self._maps.append(np.ascontiguousarray(one))
        self._added += 1

    def collected(self) -> NDArray[np.uint8]:
        """One array (N,...), or a ``ManySizes``: see ``indexed_as_array``."""
        return indexed_as_array(ManySizes(self._maps) if self._whole is None else self._whole)
