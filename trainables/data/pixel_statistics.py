"""What the images of a dataset have in common, and what their values are, band by band.

Shape letters: H rows, W columns, C bands.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig, refused
from trainables.config.inputs import INPUTS, InputName
from trainables.config.pixels import (
    Pixels,
    described,
    given_statistics,
    normalises_itself,
)
from trainables.data import input_maps, rasters
from trainables.data.dataset import DataError, Sanity
from trainables.data.fold_views import FoldLists
from trainables.data.samples import Decoded, Pair, Sample


class SameKind:
    """Checks that all images have the same bands and type, sample after sample."""

    def __init__(self) -> None:
        self._first: tuple[str, rasters.Pixels] | None = None

    def check(self, sample: Sample, image_HWC: rasters.Pixels) -> None:
        """Raise a DataError that names both files if the image is of another kind."""
        file = str(sample.image) if isinstance(sample, Pair) else sample.name
        if self._first is None:
            self._first = file, image_HWC[:1, :1].copy()
        known, first = self._first
        if rasters.kind_of(first) != rasters.kind_of(image_HWC):
            raise DataError(
                f"{file}: is of {rasters.kind_of(image_HWC)}, but {known} is of "
                f"{rasters.kind_of(first)}; all images of a dataset must be of one kind"
            )

    @property
    def kind(self) -> tuple[int, int]:
        """The bands, and the bits of a value: 8, 16 or 32. There must have been an image."""
        assert self._first is not None, "every split has images"
        return self._first[1].shape[2], rasters.bits_of(self._first[1])


class BandStatistics:
    """Mean, standard deviation, smallest and largest value of every band, as stored.

    Computed image by image in float64 and merged by Chan, Golub and LeVeque, "Updating formulae and
    a pairwise algorithm for computing sample variances", 1979 (equation 2.1): the list's order
    alone decides the result, and no image stays in memory.
    """

    def __init__(self) -> None:
        self.pixels = 0
        self.mean_C: NDArray[np.float64] = np.zeros(0)
        self._squares_C: NDArray[np.float64] = np.zeros(0)
        self.low_C: NDArray[np.float64] = np.zeros(0)
        self.high_C: NDArray[np.float64] = np.zeros(0)

    def add(self, image_HWC: rasters.Pixels) -> None:
        values_PC = image_HWC.reshape(-1, image_HWC.shape[2]).astype(np.float64)
        mean_C, low_C, high_C = values_PC.mean(axis=0), values_PC.min(axis=0), values_PC.max(axis=0)
        squares_C = ((values_PC - mean_C) ** 2).sum(axis=0)
        if not self.pixels:
            self.low_C, self.high_C = low_C, high_C
            self.mean_C, self._squares_C = np.zeros_like(mean_C), np.zeros_like(mean_C)
        before, self.pixels = self.pixels, self.pixels + len(values_PC)
        apart_C = mean_C - self.mean_C
        self.mean_C = self.mean_C + apart_C * (len(values_PC) / self.pixels)
        merged_C = apart_C**2 * (before * len(values_PC) / self.pixels)
        self._squares_C = self._squares_C + squares_C + merged_C
        self.low_C, self.high_C = np.minimum(self.low_C, low_C), np.maximum(self.high_C, high_C)

    def add_known(self, values_1PC: rasters.Pixels) -> None:
        """Add what an image has; nothing where it has no value."""
        if values_1PC.size:
            self.add(values_1PC)

    @property
    def std_C(self) -> NDArray[np.float64]:
        """Of all pixels (divided by their number)."""
        std_C: NDArray[np.float64] = np.sqrt(self._squares_C / max(self.pixels, 1))
        return std_C

    @property
    def constant(self) -> list[int]:
        """The bands that have one value everywhere, from 1."""
        return [int(band) + 1 for band in np.flatnonzero(self.low_C == self.high_C)]


class PixelFacts:
    """The kind of a dataset's images and, where needed, the training images' statistics."""

    def __init__(self, config: DataConfig) -> None:
        self._config, self._same, self._found = config, SameKind(), BandStatistics()
        read = [name for name in INPUTS if name in config.map_names]
        self._maps = {name: BandStatistics() for name in read}

    def add(self, split: str, sample: Sample, decoded: Decoded, used_HWC: rasters.Pixels) -> None:
        """Count an image, which training uses as ``used_HWC``.

        Raises:
            DataError: it is of another kind than the images before it.
            ValueError: ``data/normalize`` does not fit images of this kind.
        """
        self._same.check(sample, decoded.image_HWC)
        bands, bits = self._same.kind
        itself = normalises_itself(self._config.normalize, bands, bits)
        if split != "train":
            return
        for name, found in self._maps.items():
            found.add_known(input_maps.known_1PC(name, decoded.targets[name]))
        if not (itself and (bands, bits) == (3, 8)):
            self._found.add(used_HWC)

    def of_list(self, split: str) -> Callable[[int, Sample, Decoded, rasters.Pixels], None]:
        """Counts the images of this split, by their places in its list."""
        return lambda place, *image: self.add(split, *image)

    @property
    def pixels(self) -> Pixels:
        """What a network receives, and which maps it could receive, too."""
        maps = tuple(
            input_maps.input_map(name, found.mean_C, found.std_C)
            for name, found in self._maps.items()
            if found.pixels
        )
        return replace(pixels_of(self._config, *self._same.kind, self._found), maps=maps)

    def with_lines(self, sanity: Sanity) -> Sanity:
        """The page of sanity with what is to know about the bands."""
        image = self.pixels
        beside = (input_line(name, self._maps[name]) for name in self._config.input_names)
        return replace(
            sanity,
            notes=(*sanity.notes, *lines(image, self._config, self._found), *beside),
            warnings=(*sanity.warnings, *warnings(image, self._found)),
        )


class FoldPixels:
    """The same for each fold, whose training images decide how its networks normalise."""

    def __init__(self, config: DataConfig, folds: FoldLists) -> None:
        self._facts = [(frozenset(lists["train"]), PixelFacts(config)) for lists in folds]

    def add_at(
        self, place: int, sample: Sample, decoded: Decoded, used_HWC: rasters.Pixels
    ) -> None:
        """Count the image at this place of the pool; raises as ``PixelFacts.add``."""
        for train, facts in self._facts:
            facts.add("train" if place in train else "other", sample, decoded, used_HWC)

    @property
    def of_fold(self) -> tuple[Pixels, ...]:
        """What a network of each fold receives."""
        return tuple(facts.pixels for _, facts in self._facts)

    def with_lines(self, sanity: Sanity) -> Sanity:
        """As ``PixelFacts.with_lines``, of the first fold: the others differ in their figures."""
        return self._facts[0][1].with_lines(sanity)


def pixels_of(config: DataConfig, bands: int, bits: int, found: BandStatistics) -> Pixels:
    """What a network receives.

    Args:
        config: whose ``normalize`` decides.
        found: of the training images; empty where they are not needed.

    Raises:
        ValueError: given values are not one for each band.
    """
    kind = Pixels(bands, bits)
    if not found.pixels:
        return kind
    span = _units(found.high_C - found.low_C, kind)
    if normalises_itself(config.normalize, bands, bits):
        return Pixels(bands, bits, span=span)
    mean_C, std_C = found.mean_C, np.where(found.high_C > found.low_C, found.std_C, kind.full)
    if given := given_statistics(config.normalize):
        mean_C, std_C = map(np.array, given)
        if len(mean_C) != bands:
            raise refused(
                "data/normalize",
                f"a mean and a std of each of {described(bands, bits)}",
                config.normalize,
            )
    return Pixels(bands, bits, _units(mean_C, kind), _units(std_C, kind), span)


def _units(values_C: NDArray[np.float64], kind: Pixels) -> tuple[float, ...]:
    return tuple((values_C / kind.full).tolist())


def lines(pixels: Pixels, config: DataConfig, found: BandStatistics) -> tuple[str, ...]:
    """What the user should know of the values: a line each, without constant bands."""
    if pixels.plain:
        return ()
    how = "the backbone's own mean and std"
    if pixels.mean:
        given = given_statistics(config.normalize)
        how = "the given means and stds" if given else "mean and std of the training images"
    bands = [
        f"band {band + 1}: mean {found.mean_C[band]:.6g}, std {found.std_C[band]:.6g}, "
        f"{found.low_C[band]:.6g}..{found.high_C[band]:.6g}"
        for band in range(pixels.bands)
    ]
    shown = "bands 1, 2 and 3" if pixels.bands >= 3 else "band 1 as grey"
    return (
        f"images have {pixels.kind}, normalised by {how}; in the training images: "
        f"{'; '.join(bands)}",
        f"pictures show {shown}, stretched between each image's 2nd and 98th percentile",
    )


def input_line(name: InputName, found: BandStatistics) -> str:
    """What the user should know of a map that the network receives."""
    if not found.pixels:
        return f"{name}: no training image has a value of it"
    unit = " m" if name == "depth" else ""
    bands = "; ".join(
        f"mean {found.mean_C[band]:.4g}{unit}, std {found.std_C[band]:.4g}{unit}, "
        f"{found.low_C[band]:.4g}..{found.high_C[band]:.4g}{unit}"
        for band in range(len(found.mean_C))
    )
    return (
        f"{name} follows the images' bands, normalised by the training images' pixels that have "
        f"it, 0 where it is missing: {bands}"
    )


def warnings(pixels: Pixels, found: BandStatistics) -> tuple[str, ...]:
    """Lines about bands that tell nothing."""
    if not found.constant or pixels.plain:
        return ()
    bands = ", ".join(map(str, found.constant))
    values = ", ".join(f"{found.low_C[band - 1]:g}" for band in found.constant)
    return (
        f"train: band {bands} has one value everywhere ({values}), so nothing can be learned from "
        f"it; no std divides it",
    )
