"""The built-in dataset: generated street-like scenes whose boundaries are known exactly.

A scene has a textured background, overlapping objects, thin poles and wires, noise, and a void
rim. It is a function of (split, index, height, width) alone: no files, no download, the same on
every machine. ``shapes_targets.py`` has its depth, normals, edges and saliency.
Shape letters: H rows, W columns, C colours, N images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from trainables.config import DataConfig, require
from trainables.config.tasks import TaskName
from trainables.data import lists
from trainables.data.layouts import shapes_targets
from trainables.data.samples import Decoded, Layout
from trainables.geometry.boundaries import VOID

CLASSES = ("background", "disk", "box", "triangle", "pole", "wire")
COLOURS = (
    (90, 90, 90),
    (220, 70, 60),
    (60, 130, 220),
    (240, 190, 60),
    (90, 190, 110),
    (180, 90, 200),
)
SIZE = (96, 128)
COUNTS = {"train": 72, "val": 32, "test": 64}
RIM_PX = 2
"""Of void around a scene of 96 rows; a smaller one has less."""
_SPLIT_SEED = {"train": 1, "val": 2, "test": 3}
_VERSION = 1
"""Raised whenever a scene's pixels change, so that old results are not taken for new ones."""

Mask = NDArray[np.bool_]
Grid = tuple[NDArray[np.float64], NDArray[np.float64]]


def _turned(random: Generator, grid: Grid, size: float) -> Grid:
    """Coordinates about a random place, rotated by a random angle, in units of ``size``."""
    y_HW, x_HW = grid
    rows, columns = y_HW.shape
    down = y_HW - random.uniform(0, rows)
    right = x_HW - random.uniform(0, columns)
    angle = random.uniform(0, 2 * np.pi)
    turned_y = np.cos(angle) * down - np.sin(angle) * right
    turned_x = np.sin(angle) * down + np.cos(angle) * right
    return turned_y / size, turned_x / size


def _disk(random: Generator, grid: Grid) -> Mask:
    y_HW, x_HW = _turned(random, grid, random.uniform(0.08, 0.18) * min(grid[0].shape))
    return (y_HW / random.uniform(0.7, 1.0)) ** 2 + x_HW**2 <= 1


def _box(random: Generator, grid: Grid) -> Mask:
    y_HW, x_HW = _turned(random, grid, random.uniform(0.08, 0.2) * min(grid[0].shape))
    return (np.abs(y_HW) <= random.uniform(0.5, 1.0)) & (np.abs(x_HW) <= 1)


def _triangle(random: Generator, grid: Grid) -> Mask:
    y_HW, x_HW = _turned(random, grid, random.uniform(0.12, 0.24) * min(grid[0].shape))
    return (y_HW <= 0.5) & (np.sqrt(3) * np.abs(x_HW) <= y_HW + 1)


def _pole(random: Generator, grid: Grid) -> Mask:
    y_HW, x_HW = grid
    rows, columns = y_HW.shape
    near_HW = np.abs(x_HW - random.uniform(0, columns)) <= random.uniform(0.8, 1.6)
    return near_HW & (y_HW >= random.uniform(0.1, 0.5) * rows)


def _wire(random: Generator, grid: Grid) -> Mask:
    y_HW, x_HW = grid
    rows, columns = y_HW.shape
    across_HW = x_HW / columns - random.uniform(0.2, 0.8)
    height_HW = random.uniform(0.05, 0.6) * rows - random.uniform(-0.3, 0.3) * rows * across_HW
    sag_HW = random.uniform(0, 0.4) * rows * across_HW**2
    return np.abs(y_HW - height_HW + sag_HW) <= random.uniform(0.6, 1.0)


_DRAW: tuple[tuple[int, Callable[[Generator, Grid], Mask], int, int], ...] = (
    (1, _disk, 1, 4),
    (2, _box, 1, 4),
    (3, _triangle, 1, 4),
    (4, _pole, 1, 3),
    (5, _wire, 1, 3),
)
"""Class, how to draw an object of it, and how many a scene has: at least, and fewer than."""


def _texture(random: Generator, shape: tuple[int, int], coarse_px: float) -> NDArray[np.float64]:
    """Smooth noise of unit variance."""
    noise_HW = gaussian_filter(random.standard_normal(shape), coarse_px, mode="wrap")
    return noise_HW / (noise_HW.std() + 1e-9)


def _paint(random: Generator, label: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    """(H,W,C): the surface of one object: its class's colour, slightly varied, with a texture."""
    colour_C = np.array(COLOURS[label]) + random.normal(0, 35, 3)
    grain_HW = _texture(random, shape, random.uniform(1.0, 6.0)) * random.uniform(8, 25)
    return colour_C + grain_HW[..., None]


class Drawn(NamedTuple):
    """A scene with what was painted in it."""

    image_HWC: NDArray[np.uint8]
    labels_HW: NDArray[np.uint8]
    masks: list[Mask]
    """Of each object, in the order in which they were painted: the last one is the nearest."""
    classes: list[int]
    """Of each object, its label."""


def scene(
    split: str, index: int, height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One image (H,W,C) and its labels (H,W), determined by the four arguments alone."""
    return drawn(split, index, height, width)[:2]


def drawn(split: str, index: int, height: int, width: int) -> Drawn:
    """A scene, determined by the four arguments alone."""
    random = np.random.default_rng([_VERSION, _SPLIT_SEED[split], index])
    y_HW, x_HW = np.mgrid[:height, :width].astype(np.float64)
    labels_HW = np.zeros((height, width), dtype=np.uint8)
    image_HWC = _paint(random, 0, (height, width))
    objects = [
        (label, draw)
        for label, draw, least, most in _DRAW
        for _ in range(random.integers(least, most))
    ]
    masks: list[Mask] = []
    classes: list[int] = []
    for choice in random.permutation(len(objects)):
        label, draw = objects[choice]
        mask_HW = draw(random, (y_HW, x_HW))
        labels_HW[mask_HW] = label
        image_HWC[mask_HW] = _paint(random, label, (height, width))[mask_HW]
        masks.append(mask_HW)
        classes.append(label)

    # As a lens and a sensor would: otherwise edges are perfectly sharp and too easy to find.
    image_HWC = gaussian_filter(image_HWC, (0.6, 0.6, 0))
    image_HWC += random.normal(0, 12, image_HWC.shape)
    rim = max(1, min(RIM_PX, round(RIM_PX * height / SIZE[0])))
    labels_HW[:rim] = labels_HW[-rim:] = VOID
    labels_HW[:, :rim] = labels_HW[:, -rim:] = VOID
    return Drawn(image_HWC.clip(0, 255).astype(np.uint8), labels_HW, masks, classes)


@dataclass(frozen=True)
class Scene:
    """A scene, drawn when it is read."""

    split: str
    index: int
    height: int
    width: int
    targets: tuple[TaskName, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.split}-{self.index:05d}"

    def require_files(self) -> None:
        """A scene has no files."""

    def read(self) -> Decoded:
        found = drawn(self.split, self.index, self.height, self.width)
        image_HWC, labels_HW = found.image_HWC, found.labels_HW
        content = ((self.name, image_HWC.tobytes() + labels_HW.tobytes()),)
        decoded = Decoded(image_HWC, labels_HW, content)
        if not self.targets:
            return decoded
        key = [_SPLIT_SEED[self.split], self.index]
        maps = shapes_targets.maps(found.masks, found.classes, labels_HW == VOID, key)
        return decoded._replace(targets={task: maps[task] for task in self.targets})


def layout(config: DataConfig) -> Layout:
    """Scenes 0, 1, 2 ... of each split: its usual ones, or more if the config requests them."""
    for split, name in lists.requested_lists(config).items():
        require(not name, f"data/{split}_list", '"" for shapes, which has no list files', name)
    rows, columns = config.height or SIZE[0], config.width or SIZE[1]
    requested = {"train": config.train_images, "val": config.val_images, "test": config.test_images}
    splits = {
        split: tuple(
            Scene(split, index, rows, columns, config.map_names)
            for index in range(max(requested[split], count))
        )
        for split, count in COUNTS.items()
    }
    return Layout("shapes", CLASSES, COLOURS, splits, targets=shapes_targets.TASKS)
