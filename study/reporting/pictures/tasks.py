"""Pictures of the tasks besides the segmentation: truth and prediction of each, side by side.

Shape letters: H rows, W columns, C colours.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from study.reporting.pictures.pictures import Picture, file_name, side_by_side, stacked
from trainables.config.tasks import TaskName
from trainables.data import Dataset
from trainables.data.preview import caption, shown, target_picture
from trainables.data.targets import MISSING, TargetMap
from trainables.training.predictions import TaskMap

NAMES = "*~tasks*.png"
"""Of a trial's pictures, these."""
_HEIGHT_PX = 160
_NEAR_M = 1e-3
"""A predicted depth of 0 is near, not missing."""


def draw(
    dataset: Dataset, predicted: Mapping[TaskName, Sequence[TaskMap]], folder: Path
) -> list[Path]:
    """Write one PNG for each of the first validation images, and return their paths.

    Args:
        predicted: by task, the map of each image; nothing is written without any.
        folder: of the trial's pictures.
    """
    images, paths = dataset.splits["val"], list[Path]()
    for row in range(min(map(len, predicted.values()), default=0)):
        true = {task: np.asarray(images.targets[task][row]) for task in predicted}
        found = {task: maps[row] for task, maps in predicted.items()}
        folder.mkdir(parents=True, exist_ok=True)
        # No image's picture has such a name: ``file_name`` replaces the tilde.
        path = folder / f"{file_name(images.names[row])}~tasks.png"
        if path in paths:
            path = folder / f"{path.stem}-{row}.png"
        sheet(shown(images.images_NHWC[row]), caption(dataset.pixels), true, found, path)
        paths.append(path)
    return paths


def sheet(
    image_HWC: Picture,
    named: str,
    true: Mapping[TaskName, TargetMap],
    found: Mapping[TaskName, TaskMap],
    path: Path,
) -> None:
    """Save a row for each task: the image, its true map, and the predicted one."""
    rows = []
    for task, map_ in found.items():
        metres = metres_of(true[task]) if task == "depth" else None
        unit = f" {metres[0]:.2f} .. {metres[1]:.2f} m" if metres else ""
        panels = [
            image_HWC,
            target_picture(task, true[task], metres),
            painted(task, map_, metres),
        ]
        captions = [named, f"true {task}{unit}", f"predicted {task}"]
        rows.append(side_by_side(panels, captions, _HEIGHT_PX))
    stacked(rows).save(path, optimize=False)


def metres_of(depth_HW: TargetMap) -> tuple[float, float]:
    """The nearest and the farthest true depth, which both maps are coloured by."""
    known = depth_HW[depth_HW > MISSING["depth"]]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def painted(task: TaskName, map_: TaskMap, metres: tuple[float, float] | None) -> Picture:
    """A stored prediction in its true map's colours; probabilities of edges, saliency in grey."""
    if task in ("edge", "saliency"):
        return np.repeat(map_.astype(np.uint8)[..., None], 3, axis=2)
    if task == "parts":
        return target_picture(task, map_.astype(np.uint8))
    values = map_.astype(np.float32)
    if task == "normals":
        return target_picture(task, (values / 127.5 - 1).astype(np.float32))
    return target_picture(task, np.maximum(values, np.float32(_NEAR_M)), metres)
