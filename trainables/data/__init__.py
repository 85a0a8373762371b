"""Datasets: one file per layout, each a function from its config to lists of samples."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from trainables.config import DataConfig
from trainables.config.inputs import INPUTS
from trainables.data import files
from trainables.data.dataset import DataError, Dataset, ImageList
from trainables.data.decoding import decode
from trainables.data.layouts import (
    ade20k,
    camvid,
    cityscapes,
    davis2016,
    folder,
    moving_shapes,
    nyud_mt,
    nyuv2,
    pascal_context,
    pascal_mt,
    shapes,
    voc2012,
    wmh,
)
from trainables.data.samples import MOST_CLASSES, Layout, Pair, Sample, fields_of, require_all
from trainables.data.splits import complete

__all__ = ["LAYOUTS", "PUBLISHED", "DataError", "Dataset", "ImageList", "load", "open_layout"]

LAYOUTS: dict[str, Callable[[DataConfig], Layout]] = {
    "ade20k": ade20k.layout,
    "camvid": camvid.layout,
    "cityscapes": cityscapes.layout,
    "davis2016": davis2016.layout,
    "folder": folder.layout,
    "moving_shapes": moving_shapes.layout,
    "nyud_mt": nyud_mt.layout,
    "nyuv2": nyuv2.layout,
    "pascal_context": pascal_context.layout,
    "pascal_mt": pascal_mt.layout,
    "shapes": shapes.layout,
    "voc2012": voc2012.layout,
    "wmh": wmh.layout,
}

PUBLISHED = frozenset(LAYOUTS) - {"folder"}
"""Datasets that are the same for everybody who names them."""


def open_layout(config: DataConfig) -> Layout:
    """List the samples of all three splits without opening an image.

    Raises:
        DataError: an unknown layout, a height without a width, no lists, or an empty split.
    """
    if config.dataset not in LAYOUTS:
        known = ", ".join(sorted(LAYOUTS))
        raise DataError(f"data/dataset must be one of {known}, got {config.dataset!r}")
    if bool(config.height) != bool(config.width):
        raise DataError(
            f"data/height and data/width must be given together, "
            f"got {config.height} and {config.width}"
        )
    found = LAYOUTS[config.dataset](config)
    _require_classes(found)
    _require_targets(found, config)
    published = config.dataset in PUBLISHED
    splits = _of_photographs(found.splits) if published else found.splits
    three = complete(splits, config, found.groups)
    if config.root:
        samples = (sample for split in three.splits.values() for sample in split)
        parts = (part for sample in samples for part in fields_of(sample))
        files.require_inside(
            Path(config.root).expanduser(),
            (part for part in parts if isinstance(part, Path)),
            config.links,
            found.places,
        )
    return replace(
        found,
        splits=three.splits,
        lists=three.words,
        stand_in=three.stand_in,
        pool=three.pool,
        folds=three.folds,
        divided=three.divided,
        fixed_classes=published,
    )


def _of_photographs(splits: Mapping[str, tuple[Sample, ...]]) -> dict[str, tuple[Sample, ...]]:
    """A published dataset's samples: an image in other than 8 bits is not its own."""
    return {
        split: tuple(
            replace(sample, photograph=True) if isinstance(sample, Pair) else sample
            for sample in samples
        )
        for split, samples in splits.items()
    }


def _require_classes(layout: Layout) -> None:
    """Raise a DataError unless labels of one byte can name the classes, 255 being void."""
    classes, colours = layout.classes, layout.colours
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            f"{layout.name}: must have 2..{MOST_CLASSES} classes (255 is void), got {len(classes)}"
        )
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise DataError(f"{layout.name}: must name each class once, got {twice!r} twice")
    if len(colours) != len(classes):
        raise DataError(f"{layout.name}: must have {len(classes)} colours, got {len(colours)}")


def _require_targets(layout: Layout, config: DataConfig) -> None:
    """Raise a DataError unless the layout has the maps that the config names."""
    inputs = tuple(name for name in INPUTS if name in layout.targets)
    # Inputs first: a study's plan names those of its cells among the targets.
    for field, read, here in (
        ("inputs", config.input_names, inputs),
        ("targets", config.target_names, layout.targets),
    ):
        if not set(read) <= set(here):
            has = f"'' or some of {','.join(here)}" if here else "'', it has labels only"
            given = ",".join(read)
            raise DataError(f"data/{field} must be, for {layout.name}: {has}; got {given!r}")


@lru_cache(maxsize=2)
def load(config: DataConfig) -> Dataset:
    """The dataset that the config names, cached so that a process decodes it once.

    Files that change later are not noticed before ``load.cache_clear()``, as at a study's start.

    Raises:
        DataError: see ``open_layout``; or the first file that cannot be used.
    """
    layout = open_layout(config)
    for samples in layout.decoded.values():
        require_all(samples)
    return decode(layout, config)
