"""Volumes of a folder as slices: NIfTI, NumPy and TIFF stacks whose masks are volumes, too.

A volume's image and mask are files of one name; every slice is an image of its own, named
`VOLUME/NUMBER`, and all slices of a volume are in one split.
Shape letters: D slices, H rows, W columns, C bands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.data import rasters
from trainables.data.dataset import DataError, escaped
from trainables.data.samples import Decoded, Groups, Pair, Sample
from trainables.data.volume_files import facts_of, is_volume, name_of, read, state_of

GROUPS = Groups("volume", "volumes", lambda name: name.rpartition("/")[0])


@dataclass(frozen=True)
class Slice:
    """One slice of a volume and of its mask."""

    pair: Pair
    """Of the two files."""
    number: int

    @property
    def name(self) -> str:
        return f"{escaped(name_of(self.pair.image))}/{self.number:03d}"

    def require_files(self) -> None:
        self.pair.require_files()

    def image(self) -> rasters.Pixels:
        """The slice (H,W,C), which needs no mask."""
        values = read(self.pair.image)
        if self.number >= len(values):
            raise DataError(f"{self.pair.image}: has {len(values)} slices, its mask more")
        one = values[self.number]
        return rasters.stored(self.pair.image, one if one.ndim == 3 else one[:, :, None])

    def read(self) -> Decoded:
        self.require_files()
        image_HWC, volume = self.image(), read(self.pair.image)
        labels_DHW = _labels(self.pair, state_of(self.pair.mask))
        if labels_DHW.shape != volume.shape[:3]:
            raise DataError(
                f"{self.pair.mask}: size {labels_DHW.shape} differs from its image's "
                f"{volume.shape[:3]} (slices, rows, columns)"
            )
        labels_HW = np.ascontiguousarray(labels_DHW[self.number])
        content = ((f"{self.name}/mask", labels_HW.tobytes()),)
        return Decoded(image_HWC, labels_HW, (*content, (self.name, image_HWC.tobytes())))


@lru_cache(maxsize=4)
def _labels(pair: Pair, state: tuple[int, int, int]) -> NDArray[np.uint8]:
    """(D,H,W), computed once for all slices until the file changes."""
    return pair.table.read(pair.mask)[0]


class Slices(NamedTuple):
    """A folder's volumes, slice by slice."""

    splits: dict[str, tuple[Sample, ...]]
    spacing_mm: dict[str, tuple[float, ...]] | None


def slices_of(splits: Mapping[str, tuple[Pair, ...]]) -> Slices | None:
    """All slices of a folder's volumes; None where it holds single images.

    Raises:
        DataError: it holds both, two volumes of one name, or a volume that cannot be read.
    """
    pairs = list(dict.fromkeys(pair for split in splits.values() for pair in split))
    kinds = {is_volume(pair.mask): pair for pair in reversed(pairs)}
    if not kinds.get(True):
        return None
    if single := kinds.get(False):
        raise DataError(
            f"{single.mask}: is a single mask, but {kinds[True].mask} is a volume; a folder holds "
            f"one or the other"
        )
    known: dict[str, Path] = {}
    for pair in pairs:
        if known.setdefault(name_of(pair.image), pair.image) != pair.image:
            raise DataError(f"{pair.image}: has the name of {known[name_of(pair.image)]}")
    slices: dict[Pair, tuple[Slice, ...]] = {}
    spacing_mm: dict[str, tuple[float, ...]] = {}
    for pair in pairs:
        pair.require_files()
        facts = facts_of(pair.image)
        slices[pair] = tuple(Slice(pair, number) for number in range(facts.slices))
        if facts.spacing_mm:
            spacing_mm |= {one.name: facts.spacing_mm for one in slices[pair]}
    return Slices(
        {
            split: tuple(x for pair in those for x in slices[pair])
            for split, those in splits.items()
        },
        spacing_mm if len(spacing_mm) == sum(map(len, slices.values())) else None,
    )
