"""Lists that are read from disk on access, because they do not fit in memory.

Shape letters: N images, H rows, W columns, C colours.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.config.tasks import TaskName
from trainables.data import files, photos, target_kinds
from trainables.data.dataset import DataError
from trainables.data.images import Map, Rows, Size, joined
from trainables.data.rasters import Pixels
from trainables.data.samples import Decoded, Sample
from trainables.data.targets import TargetMap, TargetMaps

_THREADS = min(cpu_count() or 1, 16)
_AT_ONCE = 32


def read_all(samples: Sequence[Sample]) -> Iterator[Decoded]:
    """Decode samples in order on several threads, a few at a time."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(samples), _AT_ONCE):
            yield from pool.map(lambda sample: sample.read(), samples[start : start + _AT_ONCE])


class Used(NamedTuple):
    """An image, its labels and its targets at the size at which a study uses them."""

    image_HWC: Pixels
    labels_HW: NDArray[np.uint8]
    targets: TargetMaps

    def part(self, name: "Part") -> Map:
        """One of its maps."""
        if name == "image":
            return self.image_HWC
        return self.labels_HW if name == "labels" else self.targets[name]


Part = Literal["image", "labels"] | TaskName
"""Of which map of a sample a list consists."""


def resized(decoded: Decoded, size: Size | None) -> Used:
    """An image and its maps at this size; None: at their own."""
    if size is None:
        return Used(decoded.image_HWC, decoded.labels_HW, decoded.targets)
    image_HWC = photos.resize(decoded.image_HWC, size)
    targets = {task: _resized(task, map_, size) for task, map_ in decoded.targets.items()}
    return Used(image_HWC, files.resize_mask(decoded.labels_HW, size), targets)


def _resized(task: TaskName, map_: TargetMap, size: Size) -> TargetMap:
    small = target_kinds.resized(task, target_kinds.to_tensor(task, map_), size)
    return target_kinds.to_array(task, small)


class Reader:
    """Reads samples from disk. Caches the last ones: labels and targets are read right after
    their images."""

    def __init__(
        self, samples: tuple[Sample, ...], size: Size | None, checksums: NDArray[np.uint32]
    ) -> None:
        """``checksums``: of the samples when the study began, which named its data then."""
        self.samples, self.size, self.checksums = samples, size, checksums
        self._last: tuple[tuple[int, ...], tuple[Used, ...]] = ((), ())

    def read(self, rows: tuple[int, ...]) -> tuple[Used, ...]:
        """These samples.

        Raises:
            DataError: a file is gone, or has another content than when the study began.
        """
        known, used = self._last
        if known != rows:
            decoded = list(read_all([self.samples[row] for row in rows]))
            for row, one in zip(rows, decoded, strict=True):
                if one.checksum != self.checksums[row]:
                    raise DataError(f"{self.samples[row].name}: changed since the study began")
            used = tuple(resized(one, self.size) for one in decoded)
            self._last = rows, used
        return used

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_last": ((), ())}


class Streamed:
    """All images of a list, all labels, or all targets of a task; it reads those from disk that it
    is indexed with."""

    nbytes = 0
    """Memory it takes."""

    def __init__(self, reader: Reader, part: Part, sizes_N2: NDArray[np.int64]) -> None:
        """``sizes_N2``: rows and columns of each image."""
        self.reader, self.part, self.sizes_N2 = reader, part, sizes_N2

    def __len__(self) -> int:
        return len(self.reader.samples)

    def __getitem__(self, index: int | np.integer | Rows) -> Map:
        """One map for one place; for several, one array, or a ``ManySizes`` if sizes differ."""
        places = np.arange(len(self))[index]
        used = self.reader.read(tuple(np.atleast_1d(places).tolist()))
        maps = [one.part(self.part) for one in used]
        return maps[0] if np.ndim(places) == 0 else joined(maps)
