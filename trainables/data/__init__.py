"""Datasets: one file a layout, each a function from its config to images in memory."""

from collections.abc import Callable
from functools import lru_cache

from trainables.config import DataConfig
from trainables.data import camvid, shapes
from trainables.data.dataset import DataError, Dataset, ImageList

__all__ = ["LAYOUTS", "DataError", "Dataset", "ImageList", "load"]

LAYOUTS: dict[str, Callable[[DataConfig], Dataset]] = {
    "camvid": camvid.load,
    "shapes": shapes.load,
}


@lru_cache(maxsize=2)
def load(config: DataConfig) -> Dataset:
    """The dataset that the config names; kept, so that a process decodes it once.

    Raises:
        DataError: an unknown layout, half a size, or files that cannot be used.
    """
    if config.dataset not in LAYOUTS:
        known = ", ".join(sorted(LAYOUTS))
        raise DataError(f"data/dataset must be one of {known}, got {config.dataset!r}")
    if bool(config.height) != bool(config.width):
        raise DataError(
            f"data/height and data/width must be given together, "
            f"got {config.height} and {config.width}"
        )
    return LAYOUTS[config.dataset](config)
