"""Decode a layout's samples, at their own sizes or at one, held in memory or read on access.

Shape letters: N images, H rows, W columns.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data.dataset import DataError, Dataset, ImageList
from trainables.data.facts import Facts
from trainables.data.fold_sanity import FoldFacts, sanity_of_folds
from trainables.data.identity import Identity
from trainables.data.images import Collector, Size, indexed_as_array
from trainables.data.pixel_statistics import FoldPixels, PixelFacts
from trainables.data.rasters import Pixels
from trainables.data.samples import Decoded, Layout, Sample, require_sound
from trainables.data.sanity import sanity_of, shared_with_test
from trainables.data.streaming import Part, Reader, Streamed, read_all, resized

_MEMORY_SHARE = 0.25
"""Share of the free memory that images may take: the driver and the object store hold a copy each,
and making them needs room."""
_MEASURED = 16
"""Images of all lists, evenly spread, whose mean size stands for that of all: sizes may differ."""


def decode(layout: Layout, config: DataConfig) -> Dataset:
    """Open every file once, so that bad ones are found here even if images are streamed later.

    Raises:
        DataError: the first sample that cannot be used.
    """
    size = (config.height, config.width) if config.height else None
    needed = _bytes_needed(layout, size)
    if config.cache == "on":
        _require_memory(layout, size, needed)
    cached = config.cache == "on" or (config.cache == "auto" and fits(needed))
    identity = Identity(layout, config)
    if layout.folds:
        return _decode_folds(layout, config, size, identity, cached)
    splits: dict[str, ImageList] = {}
    facts: dict[str, Facts] = {}
    pixels = PixelFacts(config)
    for split, samples in layout.splits.items():
        if split == "test" and samples == layout.splits["val"]:
            # One list serves as both: decode it, and add it to the digest, once.
            splits[split], facts[split] = splits["val"], facts["val"]
            identity.repeat(split)
        else:
            facts[split] = Facts()
            identity.begin(split, samples)
            counted = Counted(identity, facts[split].add_at, pixels.of_list(split))
            splits[split] = _decode_split(*(layout, samples, size, counted.add, cached, config))
    sanity = pixels.with_lines(sanity_of(layout, config, facts))
    whole = Dataset(
        layout.name,
        layout.classes,
        layout.colours,
        splits,
        identity.digest,
        sanity,
        identity.old_digest,
        layout.lists,
        shared_with_test(facts),
        pixels.pixels,
        parts=layout.parts,
    )
    return whole.for_inputs(config.input_names)


def _decode_folds(
    layout: Layout, config: DataConfig, size: Size | None, identity: Identity, cached: bool
) -> Dataset:
    """Decode the pool once; the lists of each fold are places in it."""
    facts, pixels = FoldFacts(layout.folds), FoldPixels(config, layout.folds)
    identity.begin("pool", layout.pool)
    count = Counted(identity, facts.add_at, pixels.add_at).add
    pool = _decode_split(layout, layout.pool, size, count, cached, config)
    identity.divide(layout.folds)
    whole = Dataset(
        layout.name,
        layout.classes,
        layout.colours,
        {},
        identity.digest,
        pixels.with_lines(sanity_of_folds(layout, config, facts)),
        identity.old_digest,
        layout.lists,
        facts.shared_with_test(),
        pixels.of_fold[0],
        pool,
        layout.folds,
        pixels.of_fold,
        layout.divided,
        layout.parts,
    )
    return whole.for_fold(config.fold).for_inputs(config.input_names)


def _bytes_needed(layout: Layout, size: Size | None) -> int:
    """What all images take in memory; estimated from a few where they keep their own sizes."""
    samples = list(chain.from_iterable(layout.decoded.values()))
    some = samples[:: -(-len(samples) // _MEASURED)] if size is None else samples[:1]
    read = list(read_all(some))
    pixels = float(np.mean([decoded.labels_HW.size for decoded in read]))
    if size is not None:
        pixels = float(size[0] * size[1])
    first = read[0]  # all are of one kind
    bytes_of_one = first.image_HWC.nbytes + sum(map_.nbytes for map_ in first.targets.values())
    return round(len(samples) * pixels * (bytes_of_one / first.labels_HW.size + 1))


def _require_memory(layout: Layout, size: Size | None, needed_bytes: int) -> None:
    _, memory = _memory()
    if needed_bytes > memory:
        count = sum(map(len, layout.decoded.values()))
        of = f" of {size[0]}x{size[1]}" if size else " at their own size"
        raise DataError(
            f"data/cache must be off or auto for {count} images{of}, got 'on': "
            f"they take {needed_bytes / 2**30:.0f} GiB, this machine has {memory / 2**30:.0f} GiB"
        )


def fits(needed_bytes: int) -> bool:
    """Whether images of that size fit into memory beside the other processes."""
    return needed_bytes <= _MEMORY_SHARE * _memory()[0]


def _memory() -> tuple[int, int]:
    """Bytes of this machine's memory: those that are available, and all."""
    try:
        import psutil
    except ImportError:  # then what is cached counts as taken
        pages = [os.sysconf(name) for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES")]
        available, total = (count * os.sysconf("SC_PAGE_SIZE") for count in pages)
        return available, total
    memory = psutil.virtual_memory()
    return memory.available, memory.total


Count = Callable[[int, Sample, Decoded, Pixels, NDArray[np.uint8]], None]
"""Counts an image and its labels, as decoded and as used, by its place in a list."""


@dataclass(frozen=True)
class Counted:
    """What each image of a list is counted in."""

    identity: Identity
    add_facts: Callable[[int, Decoded, NDArray[np.uint8]], None]
    add_pixels: Callable[[int, Sample, Decoded, Pixels], None]

    def add(
        self,
        place: int,
        sample: Sample,
        decoded: Decoded,
        image_HWC: Pixels,
        labels_HW: NDArray[np.uint8],
    ) -> None:
        self.identity.add(sample, decoded)
        self.add_facts(place, decoded, labels_HW)
        self.add_pixels(place, sample, decoded, image_HWC)


def _decode_split(
    layout: Layout,
    samples: tuple[Sample, ...],
    size: Size | None,
    count: Count,
    cached: bool,
    config: DataConfig,
) -> ImageList:
    targets = config.map_names
    parts: tuple[Part, ...] = ("image", "labels", *targets)
    collectors = {part: Collector(len(samples)) for part in parts}
    spacing_mm: list[tuple[float, ...]] = []
    checksums = np.zeros(len(samples), dtype=np.uint32)
    sizes_N2 = np.zeros((len(samples), 2), dtype=np.int64)
    for index, (sample, decoded) in enumerate(zip(samples, read_all(samples), strict=True)):
        require_sound(sample.name, decoded, len(layout.classes), targets, len(layout.parts))
        checksums[index] = decoded.checksum
        used = resized(decoded, size)
        labels_HW = used.labels_HW
        count(index, sample, decoded, used.image_HWC, labels_HW)
        sizes_N2[index] = labels_HW.shape
        if layout.spacing_mm is not None:
            down_mm, across_mm, *between_mm = layout.spacing_mm[sample.name]
            rows, columns = decoded.labels_HW.shape
            resized_mm = (
                down_mm * rows / labels_HW.shape[0],
                across_mm * columns / labels_HW.shape[1],
            )
            spacing_mm.append((*resized_mm, *between_mm))
        if cached:
            for part, collector in collectors.items():
                collector.add(used.part(part))
    names = tuple(sample.name for sample in samples)
    spacing = np.array(spacing_mm, dtype=np.float32) if spacing_mm else None
    # All views share one reader, so that an image's file is not decoded again for its labels.
    reader = Reader(samples, size, checksums)
    images, labels, *beside = (
        collectors[part].collected()
        if cached
        else indexed_as_array(Streamed(reader, part, sizes_N2))
        for part in parts
    )
    by_task = dict(zip(targets, beside, strict=True))
    return ImageList(images, labels, names, spacing, layout.series, by_task)
