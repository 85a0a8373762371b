"""A picture of how a trial learned: its predictions of the same images after some epochs.

Shape letters: H rows, W columns.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from study.reporting.pictures.pictures import Picture, colours, side_by_side, stacked
from trainables.data import Dataset
from trainables.geometry.boundaries import VOID

NAME = "by~epoch.png"
"""No image's picture has this name: ``file_name`` replaces the tilde."""
_HEIGHT_PX = 140


def draw(dataset: Dataset, by_epoch: Mapping[int, Sequence[Picture]], folder: Path) -> None:
    """Write the picture of the first validation images, a row each.

    Args:
        by_epoch: predicted classes (H,W) of each image; nothing is written with fewer than two
            epochs.
        folder: of the trial's pictures.
    """
    if len(by_epoch) < 2:
        return
    images, palette = dataset.splits["val"], colours(dataset)
    captions = ["image", "truth", *(f"epoch {number}" for number in by_epoch)]
    rows = []
    for row in range(min(map(len, by_epoch.values()))):
        labels_HW = images.labels_NHW[row]
        step = max(1, len(labels_HW) // _HEIGHT_PX)  # a large image is thinned out
        predicted = [np.where(labels_HW == VOID, VOID, maps[row]) for maps in by_epoch.values()]
        panels = [images.images_NHWC[row], *(palette[map_HW] for map_HW in (labels_HW, *predicted))]
        small = [np.ascontiguousarray(panel_HWC[::step, ::step]) for panel_HWC in panels]
        rows.append(side_by_side(small, captions, _HEIGHT_PX))
    stacked(rows).save(folder / NAME, optimize=False)
