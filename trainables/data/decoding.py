"""Decode a layout's samples to images of one size, held in memory or read on access.

Shape letters: N images, H rows, W columns, C colours.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data import files
from trainables.data.dataset import DataError, Dataset, ImageList
from trainables.data.identity import Identity
from trainables.data.samples import Decoded, Layout, Sample, require_sound
from trainables.data.sanity import Facts, sanity_of

Size = tuple[int, int]
Pixels = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images and their labels."""
Index = int | slice | NDArray[np.integer] | list[int]
_THREADS = min(os.cpu_count() or 1, 16)
_AT_ONCE = 32
_BYTES_A_PIXEL = 4
"""Three colours and one label."""
_MEMORY_SHARE = 0.25
"""Share of the free memory that images may take: the driver and the object store hold a copy each,
and making them needs room."""


def decode(layout: Layout, config: DataConfig) -> Dataset:
    """Open every file once, so that bad ones are found here even if images are streamed later.

    Raises:
        DataError: the first sample that cannot be used, or sizes that differ.
    """
    size = (config.height, config.width) if config.height else None
    first = layout.splits["train"][0].read()
    rows, columns = size or first.labels_HW.shape
    count = sum(len(samples) for samples in layout.splits.values())
    needed = count * rows * columns * _BYTES_A_PIXEL
    if config.cache == "on":
        _require_memory(count, rows, columns, needed)
    cached = config.cache == "on" or (config.cache == "auto" and fits(needed))
    identity = Identity(layout, config)
    splits: dict[str, ImageList] = {}
    facts: dict[str, Facts] = {}
    for split, samples in layout.splits.items():
        if split == "test" and samples == layout.splits["val"]:
            # One list serves as both: decode it, and add it to the digest, once.
            splits[split], facts[split] = splits["val"], facts["val"]
            identity.repeat(split)
        else:
            facts[split] = Facts()
            identity.begin(split, samples)
            splits[split] = _decode_split(layout, samples, size, identity, facts[split], cached)
    sanity = sanity_of(layout, config, facts)
    return Dataset(
        layout.name,
        layout.classes,
        layout.colours,
        splits,
        identity.digest,
        sanity,
        identity.old_digest,
        layout.lists,
    )


def _require_memory(count: int, rows: int, columns: int, needed_bytes: int) -> None:
    memory = psutil.virtual_memory().total
    if needed_bytes > memory:
        raise DataError(
            f"data/cache must be off or auto for {count} images of {rows}x{columns}, got 'on': "
            f"they take {needed_bytes / 2**30:.0f} GiB, this machine has {memory / 2**30:.0f} GiB"
        )


def fits(needed_bytes: int) -> bool:
    """Whether images of that size fit into memory beside the other processes."""
    return needed_bytes <= _MEMORY_SHARE * psutil.virtual_memory().available


def read_all(samples: Sequence[Sample]) -> Iterator[Decoded]:
    """Decode samples in order on several threads, a few at a time."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(samples), _AT_ONCE):
            yield from pool.map(lambda sample: sample.read(), samples[start : start + _AT_ONCE])


def _decode_split(
    layout: Layout,
    samples: tuple[Sample, ...],
    size: Size | None,
    identity: Identity,
    facts: Facts,
    cached: bool,
) -> ImageList:
    images_NHWC: NDArray[np.uint8] | None = None
    labels_NHW: NDArray[np.uint8] = np.zeros((0, 0, 0), dtype=np.uint8)
    target: Size = size or (0, 0)
    spacing_mm: list[tuple[float, ...]] = []
    checksums = np.zeros(len(samples), dtype=np.uint32)
    for index, (sample, decoded) in enumerate(zip(samples, read_all(samples), strict=True)):
        require_sound(sample.name, decoded, len(layout.classes))
        identity.add(sample, decoded)
        checksums[index] = decoded.checksum
        own: Size = (decoded.labels_HW.shape[0], decoded.labels_HW.shape[1])
        if images_NHWC is None:
            target = size or own
            room = len(samples) if cached else 1
            images_NHWC = np.empty((room, *target, 3), dtype=np.uint8)
            labels_NHW = np.empty((room, *target), dtype=np.uint8)
        if size is None and own != target:
            raise DataError(
                f"{sample.name}: size {own} differs from {samples[0].name}'s {target}; images of "
                f"different sizes need data/height and data/width"
            )
        if layout.spacing_mm is not None:
            down_mm, across_mm, *between_mm = layout.spacing_mm[sample.name]
            resized_mm = (down_mm * own[0] / target[0], across_mm * own[1] / target[1])
            spacing_mm.append((*resized_mm, *between_mm))
        row = index if cached else 0
        images_NHWC[row], labels_NHW[row] = resized(decoded, target)
        facts.add(decoded, labels_NHW[row])
    assert images_NHWC is not None
    names = tuple(sample.name for sample in samples)
    spacing = np.array(spacing_mm, dtype=np.float32) if spacing_mm else None
    if cached:
        return ImageList(images_NHWC, labels_NHW, names, spacing, layout.series)
    # Both views share one reader, so that an image's file is not decoded again for its labels.
    reader = Reader(samples, target, checksums)
    pixels = Streamed(reader, 0), Streamed(reader, 1)
    return ImageList(*pixels, names, spacing, layout.series)  # type: ignore[arg-type]


def resized(decoded: Decoded, size: Size) -> Pixels:
    return files.resize_image(decoded.image_HWC, size), files.resize_mask(decoded.labels_HW, size)


class Reader:
    """Reads samples from disk. Caches the last ones: labels are read right after their images."""

    def __init__(
        self, samples: tuple[Sample, ...], size: Size, checksums: NDArray[np.uint32]
    ) -> None:
        """``checksums``: of the samples when the study began, which named its data then."""
        self.samples, self.size, self.checksums = samples, size, checksums
        self._last: tuple[tuple[int, ...], Pixels | None] = ((), None)

    def read(self, rows: tuple[int, ...]) -> Pixels:
        """Images (N,H,W,C) and labels (N,H,W) of these samples.

        Raises:
            DataError: a file is gone, or has another content than when the study began.
        """
        known, pair = self._last
        if known != rows or pair is None:
            decoded = list(read_all([self.samples[row] for row in rows]))
            for row, one in zip(rows, decoded, strict=True):
                if one.checksum != self.checksums[row]:
                    raise DataError(f"{self.samples[row].name}: changed since the study began")
            images, labels = zip(*(resized(one, self.size) for one in decoded), strict=True)
            pair = np.stack(images), np.stack(labels)
            self._last = rows, pair
        return pair

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_last": ((), None)}


class Streamed:
    """An array of all images (or labels) that reads from disk the ones it is indexed with."""

    nbytes = 0
    """Memory it takes."""

    def __init__(self, reader: Reader, part: int) -> None:
        self.reader, self.part = reader, part
        channels = (3,) if part == 0 else ()
        self.shape = (len(reader.samples), *reader.size, *channels)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Index) -> NDArray[np.uint8]:
        rows = np.atleast_1d(np.arange(len(self))[index])
        taken = self.reader.read(tuple(rows.tolist()))[self.part]
        return taken[0] if np.ndim(np.arange(len(self))[index]) == 0 else taken
