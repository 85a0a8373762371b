"""Label maps as files with a dataset's own values, as its masks and its benchmark's server have.

Shape letters: H rows, W columns, C colours.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.config import DataConfig, require
from trainables.config.data import FOLDER
from trainables.data import classes as class_file
from trainables.data.classes import Colour
from trainables.data.label_tables import LabelTable, voc_palette
from trainables.data.layouts import ade20k, camvid, cityscapes, davis2016, nyud_mt, nyuv2, wmh
from trainables.data.preview import shown
from trainables.data.rasters import Pixels

_GREY = {
    "ade20k": (ade20k.TABLE, ade20k.COLOURS),
    "camvid": (camvid.TABLE, camvid.COLOURS),
    "cityscapes": (cityscapes.IDS, cityscapes.COLOURS),
    "davis2016": (davis2016.TABLE, davis2016.COLOURS),
    "nyud_mt": (nyud_mt.TABLE, nyud_mt.COLOURS),
    "nyuv2": (nyuv2.TABLE, nyuv2.COLOURS),
    "wmh": (wmh.TABLE, wmh.COLOURS),
}
"""Datasets whose masks are grey: the meaning of their values, and colours for overlays."""
_FROM_BACKGROUND = ("voc2012", "pascal_context", "pascal_mt")
"""Datasets whose masks have VOC's palette, from its first colour on."""


@dataclass(frozen=True)
class LabelFiles:
    """How label maps of a dataset are written."""

    values: tuple[int, ...]
    """Of each class, in a file."""
    colours: tuple[Colour, ...]
    """Of each class, in a palette and in overlays."""
    palette: bool
    """Whether files have a palette; grey otherwise."""
    what: str
    """What the values are, in words."""

    def volume(self, slices: Sequence[NDArray[np.uint8]], source: Path) -> bytes:
        """A NIfTI file of a volume's slices (H,W), in the place of its source."""
        values = np.array(self.values, dtype=np.uint8)
        return wmh.label_volume([values[labels_HW] for labels_HW in slices], source)

    def png(self, labels_HW: NDArray[np.uint8]) -> bytes:
        """A PNG with one 8-bit channel.

        Args:
            labels_HW: 0..K-1, without void.
        """
        table_256 = np.zeros(256, dtype=np.uint8)
        table_256[: len(self.values)] = self.values
        image = Image.fromarray(table_256[labels_HW])
        if self.palette:
            colours_256C = np.zeros((256, 3), dtype=np.uint8)
            colours_256C[list(self.values)] = self.colours
            image.putpalette(colours_256C.tobytes())
        return _encoded(image)

    def overlay(self, image_HWC: Pixels, labels_HW: NDArray[np.uint8]) -> bytes:
        """A PNG of the image, half covered by the colours of its classes."""
        colours_KC = np.array(self.colours, dtype=np.uint16)
        mixed_HWC = (shown(image_HWC).astype(np.uint16) + colours_KC[labels_HW]) // 2
        return _encoded(Image.fromarray(mixed_HWC.astype(np.uint8)))


def _encoded(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def label_files(config: DataConfig, classes: Sequence[str]) -> LabelFiles:
    """How label maps of the configured dataset are written.

    Args:
        config: of the training. Of a ``folder`` dataset, classes.txt is read if it is there.
        classes: that the network predicts.

    Raises:
        ValueError: the dataset's folder has other classes by now.
    """
    count = len(classes)
    spare = voc_palette(count + 1)
    if config.dataset in _GREY:
        table, colours = _GREY[config.dataset]
        if config.dataset == "cityscapes":
            classes_here = cityscapes.class_set(config.classes)
            table, colours = classes_here.ids, classes_here.colours
        return LabelFiles(_values(table, count), colours, False, f"{config.dataset}'s own ids")
    if config.dataset == "pascal_context" and count == 59:
        return LabelFiles(tuple(range(1, 60)), spare[1:], True, "1..59, as in its masks")
    if config.dataset == FOLDER and class_file.are_given(config):
        return _of_folder(class_file.of(config), classes)
    colours = spare[:-1] if config.dataset in _FROM_BACKGROUND else spare[1:]
    return LabelFiles(tuple(range(count)), colours, True, f"the classes' numbers, 0..{count - 1}")


def _values(table: LabelTable, count: int) -> tuple[int, ...]:
    """The value of each label; the least, where a table knows several."""
    return tuple(int(np.flatnonzero(table.labels_256 == label)[0]) for label in range(count))


def _of_folder(named: class_file.Classes, classes: Sequence[str]) -> LabelFiles:
    """Files that are read back in any folder: with a palette, numbers and written colours agree."""
    known, trained = ", ".join(named.names), ", ".join(classes)
    source = named.source
    require(list(named.names) == list(classes), str(source), f"of the classes {trained}", known)
    what = f"the numbers of the classes in {source.name}"
    # Written values may be the greys of a palette's colours, so such maps are grey.
    return LabelFiles(named.value_of, named.pictures, not named.values, what)
