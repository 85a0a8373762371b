"""Lists that are read from disk on access, because they do not fit in memory.

Shape letters: N images, H rows, W columns, C colours.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from trainables.data import files, photos
from trainables.data.dataset import DataError
from trainables.data.images import Map, Rows, Size, joined
from trainables.data.rasters import Pixels
from trainables.data.samples import Decoded, Sample

Pair = tuple[Pixels, NDArray[np.uint8]]
"""An image and its labels."""
_THREADS = min(cpu_count() or 1, 16)
_AT_ONCE = 32


def read_all(samples: Sequence[Sample]) -> Iterator[Decoded]:
    """Decode samples in order on several threads, a few at a time."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(samples), _AT_ONCE):
            yield from pool.map(lambda sample: sample.read(), samples[start : start + _AT_ONCE])


def resized(decoded: Decoded, size: Size | None) -> Pair:
    """An image and its labels at this size; None: at their own."""
    if size is None:
        return decoded.image_HWC, decoded.labels_HW
    return photos.resize(decoded.image_HWC, size), files.resize_mask(decoded.labels_HW, size)


class Reader:
    """Reads samples from disk. Caches the last ones: labels are read right after their images."""

    def __init__(
        self, samples: tuple[Sample, ...], size: Size | None, checksums: NDArray[np.uint32]
    ) -> None:
        """``checksums``: of the samples when the study began, which named its data then."""
        self.samples, self.size, self.checksums = samples, size, checksums
        self._last: tuple[tuple[int, ...], tuple[Pair, ...]] = ((), ())

    def read(self, rows: tuple[int, ...]) -> tuple[Pair, ...]:
        """These samples.

        Raises:
            DataError: a file is gone, or has another content than when the study began.
        """
        known, pairs = self._last
        if known != rows:
            decoded = list(read_all([self.samples[row] for row in rows]))
            for row, one in zip(rows, decoded, strict=True):
                if one.checksum != self.checksums[row]:
                    raise DataError(f"{self.samples[row].name}: changed since the study began")
            pairs = tuple(resized(one, self.size) for one in decoded)
            self._last = rows, pairs
        return pairs

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_last": ((), ())}


class Streamed:
    """All images of a list, or all labels; it reads those from disk that it is indexed with."""

    nbytes = 0
    """Memory it takes."""

    def __init__(self, reader: Reader, part: int, sizes_N2: NDArray[np.int64]) -> None:
        """``part``: 0 for images, 1 for labels; ``sizes_N2``: rows and columns of each image."""
        self.reader, self.part, self.sizes_N2 = reader, part, sizes_N2

    def __len__(self) -> int:
        return len(self.reader.samples)

    def __getitem__(self, index: int | np.integer | Rows) -> Map:
        """One map for one place; for several, one array, or a ``ManySizes`` if sizes differ."""
        places = np.arange(len(self))[index]
        pairs = self.reader.read(tuple(np.atleast_1d(places).tolist()))
        maps = [pair[self.part] for pair in pairs]
        return maps[0] if np.ndim(places) == 0 else joined(maps)
