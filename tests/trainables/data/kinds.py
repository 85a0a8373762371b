"""Folders of images of any kind, drawn by code."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from trainables.config import DataConfig
from trainables.data import Dataset, load

ROWS, COLUMNS, IMAGES = 6, 8, 10
Write = Callable[[Path, NDArray[np.generic]], None]
"""Writes an image (H,W,C) to a path without suffix."""


def values(dtype: str, bands: int, seed: int = 0) -> NDArray[np.uint8 | np.uint16 | np.float32]:
    """An image (H,W,C) that uses the upper bytes, too."""
    random = np.random.default_rng(seed)
    if dtype == "float32":
        return random.normal(1000, 300, (ROWS, COLUMNS, bands)).astype(np.float32)
    kind = np.uint8 if dtype == "uint8" else np.uint16
    return random.integers(0, np.iinfo(kind).max + 1, (ROWS, COLUMNS, bands)).astype(kind)


def npy(path: Path, image: NDArray[np.generic]) -> None:
    np.save(path.with_suffix(".npy"), image)


def tiff(path: Path, image: NDArray[np.generic]) -> None:
    path = path.with_suffix(".tif")
    tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig")


def folder(root: Path, dtype: str, bands: int, write: Write = npy) -> Path:
    """Ten images, each half road, half grass."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    mask = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    mask[:, 5:] = 1
    for index in range(IMAGES):
        write(root / "images" / str(index), values(dtype, bands, index))
        Image.fromarray(mask).save(root / "masks" / f"{index}.png")
    (root / "classes.txt").write_text("road\ngrass\n")
    return root


def config(root: Path, **more: object) -> DataConfig:
    return DataConfig(dataset="folder", root=str(root), **more)  # type: ignore[arg-type]


def opened(root: Path, **more: object) -> Dataset:
    load.cache_clear()
    return load(config(root, **more))
