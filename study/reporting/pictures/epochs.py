"""Pictures of how a trial learned: the same images after some epochs, as classes and boundaries.

Shape letters: H rows, W columns, C colours.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from study.reporting.pictures.pictures import (
    Picture,
    colours,
    contours,
    side_by_side,
    stacked,
)
from trainables.data import Dataset
from trainables.data.preview import caption, shown
from trainables.geometry.boundaries import VOID

NAME, BOUNDARIES = "by~epoch.png", "boundaries~by~epoch.png"
"""No image's picture has such a name: ``file_name`` replaces the tilde."""
_HEIGHT_PX = 140
_TRUE, _PREDICTED, _BOTH = (60, 110, 255), (255, 60, 50), (255, 90, 255)


def draw(dataset: Dataset, by_epoch: Mapping[int, Sequence[Picture]], folder: Path) -> None:
    """Write the pictures of the first validation images, a row each.

    Args:
        by_epoch: predicted classes (H,W) of each image; nothing is written with fewer than two
            epochs, or where nothing segments.
        folder: of the trial's pictures.
    """
    if len(by_epoch) < 2 or not all(by_epoch.values()):
        return
    palette = colours(dataset)
    _write(dataset, by_epoch, folder / NAME, lambda image, labels, predicted: palette[predicted])
    _write(dataset, by_epoch, folder / BOUNDARIES, boundaries)


Paint = Callable[[Picture, Picture, Picture], Picture]
"""Image (H,W,C), true and predicted classes (H,W) to a panel (H,W,C)."""


def _write(
    dataset: Dataset, by_epoch: Mapping[int, Sequence[Picture]], path: Path, paint: Paint
) -> None:
    images, palette = dataset.splits["val"], colours(dataset)
    captions = [caption(dataset.pixels), "truth", *(f"epoch {number}" for number in by_epoch)]
    rows = []
    for row in range(min(map(len, by_epoch.values()))):
        image_HWC, labels_HW = shown(images.images_NHWC[row]), images.labels_NHW[row]
        panels = [image_HWC, palette[labels_HW]]
        for maps in by_epoch.values():
            shown_HW = np.where(labels_HW == VOID, VOID, maps[row])
            panels.append(paint(image_HWC, labels_HW, shown_HW))
        rows.append(side_by_side([_small(panel) for panel in panels], captions, _HEIGHT_PX))
    stacked(rows).save(path, optimize=False)


def boundaries(image_HWC: Picture, labels_HW: Picture, predicted_HW: Picture) -> Picture:
    """Active Boundary Loss's Figure 4: predicted boundaries red, true ones blue, both pink, on the
    dimmed image."""
    true_HW, predicted = contours(labels_HW).numpy(), contours(predicted_HW).numpy()
    painted_HWC: Picture = (image_HWC // 3).astype(np.uint8)
    painted_HWC[true_HW] = _TRUE
    painted_HWC[predicted] = _PREDICTED
    painted_HWC[true_HW & predicted] = _BOTH
    return painted_HWC


def _small(panel_HWC: Picture) -> Picture:
    """A large image thinned out to about the height of a panel; of a block, the brightest pixel of
    each colour stays, so that no line is lost."""
    step = max(1, len(panel_HWC) // _HEIGHT_PX)
    rows, columns = (side // step * step for side in panel_HWC.shape[:2])
    blocks = panel_HWC[:rows, :columns].reshape(rows // step, step, columns // step, step, -1)
    return np.ascontiguousarray(blocks.max(axis=(1, 3)))
