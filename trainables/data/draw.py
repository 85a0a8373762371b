"""The random numbers of one augmented image, and what they decide."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from trainables.config import DataConfig
from trainables.data.images import Size


@dataclass(frozen=True)
class Draw:
    """The random numbers of one image: five in [0, 1), and a stream for each further purpose."""

    flip: float
    scale: float
    top: float
    left: float
    brightness: float
    key: tuple[int, ...] = ()
    """Seed, epoch and index."""

    @classmethod
    def of(cls, seed: int, epoch: int, index: int) -> "Draw":
        key = (seed, epoch, index)
        flip, scale, top, left, brightness = np.random.default_rng(key).random(5).tolist()
        return cls(flip, scale, top, left, brightness, key)

    def generator(self, purpose: str) -> np.random.Generator:
        """A stream of its own, so that what one augmentation draws changes no other's numbers."""
        return np.random.default_rng([*self.key, crc32(purpose.encode())])


def zoom_of(config: DataConfig, draw: Draw) -> float:
    """By how much an image is enlarged."""
    return config.scale_min + (config.scale_max - config.scale_min) * draw.scale


def scaled_size(size: Size, config: DataConfig, draw: Draw) -> Size:
    """Rows and columns of an image of this size once it is scaled."""
    zoom = zoom_of(config, draw)
    rows, columns = (max(round(zoom * side), 1) for side in size)
    return rows, columns


def turned(config: DataConfig, draw: Draw) -> tuple[bool, bool]:
    """Whether an image is turned upside down, and whether it is mirrored left and right."""
    upside_down = config.flip_vertical and draw.generator("flip_vertical").random() < 0.5
    return upside_down, config.flip and draw.flip < 0.5


def shift_of(config: DataConfig, draw: Draw) -> int:
    """What ``data/brightness`` adds to a photograph's bytes."""
    return round(config.brightness * (2 * draw.brightness - 1))


def corner_of(scaled: Size, size: Size, draw: Draw) -> tuple[int, int]:
    """Row and column of a crop of this size; 0 where the image is no larger."""
    rows, columns = (max(have - want, 0) for have, want in zip(scaled, size, strict=True))
    return int(draw.top * (rows + 1)), int(draw.left * (columns + 1))
