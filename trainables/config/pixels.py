"""What the images of a dataset are: how many bands, of which type, and how they are normalised."""

from dataclasses import dataclass, replace
from math import isfinite

from trainables.config.inputs import InputMap, InputName, bands_of
from trainables.config.validation import refused, require

MOST_BANDS = 20
_DEPTHS = {8: 255.0, 16: 65535.0, 32: 1.0}
"""By the bits of a value: what a network sees as 1. Floats are seen as they are stored."""
_TYPES = {8: "8-bit", 16: "16-bit", 32: "float"}
AUTO, BACKBONE, TRAIN = "auto", "backbone", "train"
_ALLOWED = (
    "auto, backbone, train, or a mean and a standard deviation of every band as the files hold "
    "them, as in 410,380.5/95,120"
)


@dataclass(frozen=True, slots=True)
class Pixels:
    """The images that a network receives, float (B,C,H,W) in the unit of their type: 8 and 16 bits
    in [0,1], floats as they are stored."""

    bands: int = 3
    """C: the image's, then those of ``inputs``."""
    bits: int = 8
    """Of an image's value as it is stored: 8 or 16 (whole numbers), or 32 (a float)."""
    mean: tuple[float, ...] = ()
    """Of each band of the image, in that unit, subtracted before the network; () where the
    network's backbone normalises as it was pretrained."""
    std: tuple[float, ...] = ()
    """Of each band of the image: what is divided by."""
    span: tuple[float, ...] = ()
    """Largest less smallest value of each band of the image in training, the unit of
    ``data/brightness``."""
    inputs: tuple[InputMap, ...] = ()
    """The maps that follow the image's bands."""
    maps: tuple[InputMap, ...] = ()
    """Of a dataset: those that could follow; see ``seen``."""

    def seen(self, names: tuple[InputName, ...]) -> "Pixels":
        """What a network receives with ``data/inputs`` of these names.

        Raises:
            ValueError: the training images have no value of a map.
        """
        known = {map_.name: map_ for map_ in self.maps}
        for name in names:
            allowed = f"without {name}, of which no training image has a value"
            require(name in known, "data/inputs", allowed, ",".join(names))
        inputs = tuple(known[name] for name in names)
        return replace(self, bands=self.bands + bands_of(names), inputs=inputs, maps=())

    @property
    def plain(self) -> bool:
        """Whether they are 8-bit RGB alone, normalised by the backbone."""
        return (self.bands, self.bits) == (3, 8) and not (self.mean or self.inputs)

    @property
    def input_names(self) -> tuple[InputName, ...]:
        """The maps that follow the image."""
        return tuple(map_.name for map_ in self.inputs)

    @property
    def of_image(self) -> "Pixels":
        """What the images are without the maps: as their files hold them."""
        return replace(self, bands=self.bands - bands_of(self.input_names), inputs=(), maps=())

    @property
    def full(self) -> float:
        """The stored value that a network sees as 1."""
        return _DEPTHS[self.bits]

    @property
    def kind(self) -> str:
        """``7 bands, 16-bit``; the maps that follow are named."""
        image = described(self.of_image.bands, self.bits)
        return " + ".join((image, *self.input_names))


RGB = Pixels()
"""Photographs."""


def described(bands: int, bits: int) -> str:
    """The number and the type of the bands, in words."""
    return f"{bands} band{'s' if bands > 1 else ''}, {_TYPES[bits]}"


def normalises_itself(normalize: str, bands: int, bits: int) -> bool:
    """Whether the backbone normalises images of this kind as it was pretrained.

    Raises:
        ValueError: ``backbone`` with images that no backbone was pretrained on.
    """
    photographs = (bands, bits) == (3, 8)
    possible = bands == 3 and bits < 32
    if normalize == BACKBONE and not possible:
        raise refused(
            "data/normalize",
            f"auto, train or MEANS/STDS for images of {described(bands, bits)}: a backbone's own "
            f"mean and std are of 3 bands in [0,1]",
            normalize,
        )
    return normalize == BACKBONE or (normalize == AUTO and photographs)


def given_statistics(normalize: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """The mean and the standard deviation of each band that ``data/normalize`` writes out.

    Returns None for ``auto``, ``backbone`` and ``train``.

    Raises:
        ValueError: it is none of these, or the numbers cannot be used.
    """
    if normalize in (AUTO, BACKBONE, TRAIN):
        return None
    means, _, stds = normalize.partition("/")
    try:
        mean, std = (tuple(float(x) for x in text.split(",")) for text in (means, stds))
    except ValueError:
        raise refused("data/normalize", _ALLOWED, normalize) from None
    usable = all(map(isfinite, (*mean, *std))) and min(std) > 0 and len(mean) == len(std)
    require(usable, "data/normalize", f"{_ALLOWED}: as many of both, stds > 0", normalize)
    return mean, std
