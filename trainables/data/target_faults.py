"""What is wrong with a map beside the labels, in one line that names its file.

Shape letters: H rows, W columns.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.config.tasks import TaskName
from trainables.data.dataset import DataError
from trainables.data.images import Size
from trainables.data.targets import MISSING, TargetMap, TargetMaps

_UNIT = 0.1
"""By how much a normal in a file may be longer or shorter than one: eight bits round by 0.01."""
_NO_NORMAL = 0.5
"""What is shorter has no direction: eight bits have no exact zero."""


def require_targets(
    where: str, targets: TargetMaps, tasks: Sequence[TaskName], size: Size, num_parts: int
) -> None:
    """Raise a DataError unless these are the maps of the tasks, as ``targets.py`` says."""
    if (found := list(targets)) != list(tasks):
        raise DataError(f"{where}: must have the maps {','.join(tasks)}, got {','.join(found)}")
    for task, map_ in targets.items():
        require_target(where, task, map_, size, num_parts)


def require_target(
    where: str, task: TaskName, map_: TargetMap, size: Size, num_parts: int = 0
) -> None:
    """Raise a DataError unless the map is what ``targets.py`` says of its kind.

    Args:
        where: the file, or the sample's name.
        task: whose map it is.
        map_: with unit normals, see ``unit_normals``.
        size: of its image, rows and columns.
        num_parts: with the background; 0 if they are not known.
    """
    shape = (*size, 3) if task == "normals" else size
    if map_.shape != shape:
        raise DataError(f"{where}: {task} must have the shape {shape}, got {map_.shape}")
    kind = np.float32 if task in ("depth", "normals") else np.uint8
    if map_.dtype != kind:
        raise DataError(f"{where}: {task} must be {kind.__name__}, got {map_.dtype}")
    wrong, allowed = _wrong(task, map_, num_parts)
    if wrong.any():
        value = map_[wrong][0] if wrong.ndim == map_.ndim else map_[wrong][0].tolist()
        raise DataError(f"{where}: {task} must be {allowed}, got {value}")


def _wrong(task: TaskName, map_: TargetMap, num_parts: int) -> tuple[NDArray[np.bool_], str]:
    """Which values are not allowed, and which are."""
    if task == "depth":
        return ~(np.isfinite(map_) & (map_ >= 0)), "finite metres >= 0 (0: missing)"
    if task == "normals":
        length_HW = np.linalg.norm(map_, axis=2)
        unit_HW = (length_HW == 0) | (np.abs(length_HW - 1) < 1e-3)
        return ~unit_HW, "unit vectors or 0 (missing)"
    most = (num_parts or 255) if task == "parts" else 2
    return (map_ >= most) & (map_ != MISSING[task]), f"0..{most - 1} or {MISSING[task]} (missing)"


def unit_normals(where: str, normals_HW3: NDArray[np.floating]) -> NDArray[np.float32]:
    """Normals of a file, of length one; 0 where they have no direction.

    Raises:
        DataError: one is neither about as long as it should be nor about zero.
    """
    if normals_HW3.ndim != 3 or normals_HW3.shape[2] != 3:
        raise DataError(f"{where}: normals must have the shape (H, W, 3), got {normals_HW3.shape}")
    length_HW1 = np.linalg.norm(normals_HW3.astype(np.float64), axis=2, keepdims=True)
    known_HW1 = ~(length_HW1 <= _NO_NORMAL)  # NaN is no missing value
    wrong_HW1 = known_HW1 & ~(np.abs(length_HW1 - 1) <= _UNIT)
    if wrong_HW1.any():
        vector = normals_HW3[wrong_HW1[..., 0]][0].tolist()
        raise DataError(f"{where}: normals must have the length 1 (or 0: missing), got {vector}")
    unit_HW3 = np.where(known_HW1, normals_HW3 / np.where(known_HW1, length_HW1, 1), 0)
    return unit_HW3.astype(np.float32)
