"""The built-in films: one object moves, turns and grows before others that move, too.

Which of the shapes is the object shows in the first frame's mask alone: all of them are drawn from
the same sizes and colours. A frame is a function of (split, index, frame, height, width) alone, and
its mask is exact: no files, no download, the same on every machine.
Shape letters: H rows, W columns, C colours, G side of a patch of texture.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from trainables.config import DataConfig, require
from trainables.data import lists
from trainables.data.layouts import shapes
from trainables.data.layouts.davis2016 import CLASSES, COLOURS, SEQUENCES
from trainables.data.samples import Decoded, Layout

SIZE = shapes.SIZE
FRAMES = 12
"""Of a sequence."""
COUNTS = {"train": 72, "val": 6, "test": 12}
"""Sequences of a list."""
_SPLIT_SEED = {"train": 1, "val": 2, "test": 3}
_VERSION = 1
"""Raised whenever a frame's pixels change, so that old results are not taken for new ones."""
_STREAM = 11
"""Of random numbers that no scene of ``shapes`` has."""
_FIRST_OF_FRAMES = 1
"""Streams of a sequence: 0 draws what is in it, 1, 2 .. the noise of its frames."""
_OTHERS = (3, 6)
"""Distractors: at least, and fewer than."""
_PATCH = 64

Real = NDArray[np.float64]


class Shape(NamedTuple):
    """What moves. Lengths are shares of the shorter side, angles radians, speeds by frame."""

    kind: int
    """0 an ellipse, 1 a box, 2 a triangle."""
    aspect: float
    size: float
    """Its half side or radius in the first frame."""
    growth: float
    """By which its size is multiplied in each frame."""
    place: tuple[float, float]
    """Of its middle in the first frame, as shares of the rows and columns that it may reach."""
    speed: tuple[float, float]
    angle: float
    turn: float
    texture_GGC: Real
    """Its surface in its own coordinates, so that it moves and turns with the object."""


class Film(NamedTuple):
    """What a sequence shows, in the order of painting: the object is the last one."""

    background_HWC: Real
    shapes: tuple[Shape, ...]


@lru_cache(maxsize=8)
def film(split: str, index: int, height: int, width: int) -> Film:
    """The content of a sequence, determined by the four arguments alone."""
    random = np.random.default_rng([_VERSION, _STREAM, _SPLIT_SEED[split], index, 0])
    background_HWC = _surface(random, (height, width))
    others = tuple(_shape(random) for _ in range(random.integers(*_OTHERS)))
    return Film(background_HWC, (*others, _shape(random)))


def _surface(random: Generator, shape: tuple[int, int]) -> Real:
    """(H,W,C): a colour with a texture, repeated at its borders."""
    noise_HW = gaussian_filter(
        random.standard_normal(shape), random.uniform(1, 6), mode="wrap", truncate=3
    )
    grain_HW = noise_HW / (noise_HW.std() + 1e-9) * random.uniform(10, 30)
    return random.uniform(40, 215, 3) + grain_HW[..., None]


def _shape(random: Generator) -> Shape:
    way = random.uniform(0, 2 * np.pi)
    step = random.uniform(0.02, 0.05)
    return Shape(
        kind=int(random.integers(3)),
        aspect=random.uniform(0.6, 1),
        size=random.uniform(0.14, 0.24),
        growth=random.uniform(0.96, 1.04),
        place=(random.uniform(0, 1), random.uniform(0, 1)),
        speed=(step * np.sin(way), step * np.cos(way)),
        angle=random.uniform(0, 2 * np.pi),
        turn=random.uniform(-0.15, 0.15),
        texture_GGC=_surface(random, (_PATCH, _PATCH)),
    )


def frame(
    split: str, index: int, number: int, height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One frame (H,W,C) and its labels (H,W), determined by the five arguments alone."""
    shown = film(split, index, height, width)
    image_HWC = shown.background_HWC.copy()
    labels_HW = np.zeros((height, width), dtype=np.uint8)
    for shape in shown.shapes:
        y_HW, x_HW = _own_coordinates(shape, number, (height, width))
        mask_HW = _inside(shape, y_HW, x_HW)
        down, right = (
            (z_HW[mask_HW] * (_PATCH // 4)).astype(np.int64) % _PATCH for z_HW in (y_HW, x_HW)
        )
        image_HWC[mask_HW] = shape.texture_GGC[down, right]
        labels_HW = mask_HW.astype(np.uint8)  # the last one is the object
    # As a lens and a sensor would: otherwise edges are perfectly sharp and too easy to find.
    image_HWC = gaussian_filter(image_HWC, (0.6, 0.6, 0))
    stream = [_VERSION, _STREAM, _SPLIT_SEED[split], index, _FIRST_OF_FRAMES + number]
    image_HWC += np.random.default_rng(stream).normal(0, 8, image_HWC.shape)
    return image_HWC.clip(0, 255).astype(np.uint8), labels_HW


def _own_coordinates(shape: Shape, number: int, size: tuple[int, int]) -> tuple[Real, Real]:
    """Rows and columns about the shape's middle in a frame, turned, in units of its size."""
    side = min(size)
    size_px = shape.size * shape.growth**number * side
    middle = [
        _within(place * length + speed * number * side, size_px / 2, length - size_px / 2)
        for place, speed, length in zip(shape.place, shape.speed, size, strict=True)
    ]
    y_HW, x_HW = np.mgrid[: size[0], : size[1]].astype(np.float64)
    down_HW, right_HW = y_HW - middle[0], x_HW - middle[1]
    angle = shape.angle + shape.turn * number
    turned_y = np.cos(angle) * down_HW - np.sin(angle) * right_HW
    turned_x = np.sin(angle) * down_HW + np.cos(angle) * right_HW
    return turned_y / size_px, turned_x / size_px


def _within(at: float, low: float, high: float) -> float:
    """A place that is thrown back wherever it would leave an interval."""
    length = max(high - low, 1e-9)
    along = (at - low) % (2 * length)
    return low + min(along, 2 * length - along)


def _inside(shape: Shape, y_HW: Real, x_HW: Real) -> shapes.Mask:
    if shape.kind == 0:
        return (y_HW / shape.aspect) ** 2 + x_HW**2 <= 1
    if shape.kind == 1:
        return (np.abs(y_HW) <= shape.aspect) & (np.abs(x_HW) <= 1)
    return (y_HW <= 0.5) & (np.sqrt(3) * np.abs(x_HW) <= y_HW + 1)


@dataclass(frozen=True)
class Frame:
    """A frame, drawn when it is read."""

    split: str
    index: int
    number: int
    height: int
    width: int

    @property
    def name(self) -> str:
        return f"{self.split}-{self.index:05d}/{self.number:05d}"

    def require_files(self) -> None:
        """A frame has no files."""

    def read(self) -> Decoded:
        place = self.split, self.index, self.number
        image_HWC, labels_HW = frame(*place, self.height, self.width)
        content = ((self.name, image_HWC.tobytes() + labels_HW.tobytes()),)
        return Decoded(image_HWC, labels_HW, content)


def layout(config: DataConfig) -> Layout:
    """Sequences 0, 1, 2 ... of each split: its usual ones, or more if more frames are requested."""
    for split, name in lists.requested_lists(config).items():
        words = '"" for moving_shapes, which has no list files'
        require(not name, f"data/{split}_list", words, name)
    rows, columns = config.height or SIZE[0], config.width or SIZE[1]
    requested = {"train": config.train_images, "val": config.val_images, "test": config.test_images}
    splits = {
        split: tuple(
            Frame(split, index, number, rows, columns)
            for index in range(max(-(-requested[split] // FRAMES), count))
            for number in range(FRAMES)
        )
        for split, count in COUNTS.items()
    }
    return Layout("moving_shapes", CLASSES, COLOURS, splits, groups=SEQUENCES, series="film")
