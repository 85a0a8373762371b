"""What a network predicted for a few images, as the content of a file.

Shape letters: C channels, H rows, W columns.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainables.config.tasks import TASKS, TaskName

_OLD = "predictions_PHW"
"""The one array in files of older versions, whose images had one size."""
_LABELS = "arr_{}"
TaskMap = NDArray[np.uint8 | np.float16]
"""Depth: metres, float16 (H,W). The others are uint8: normals (H,W,3), 0 .. 255 for -1 .. 1; edges
and saliency (H,W), 0 .. 255 for probabilities; parts (H,W)."""
TaskMaps = Mapping[TaskName, Sequence[TaskMap]]
"""By task but the segmentation, the map of each image."""
NO_MAPS: TaskMaps = MappingProxyType({})
_Map = TypeVar("_Map")


def as_stored(task: TaskName, values_CHW: NDArray[np.float32]) -> TaskMap:
    """A head's ``values`` as ``TaskMap`` says: precise enough to look at."""
    from trainables.data.task_files import as_bytes  # with torch, which a refusal need not import

    return values_CHW[0].astype(np.float16) if task == "depth" else as_bytes(task, values_CHW)


def pack(predicted: Iterable[NDArray[np.uint8]], tasks: TaskMaps = NO_MAPS) -> bytes:
    """Labels (H,W) of each image, none where nothing segments, and the further tasks' maps; sizes
    may differ."""
    packed = io.BytesIO()
    maps = {f"{task}_{row}": map_ for task, each in tasks.items() for row, map_ in enumerate(each)}
    labels = {_LABELS.format(row): map_HW for row, map_HW in enumerate(predicted)}
    np.savez_compressed(packed, **labels, **maps)  # type: ignore[arg-type]
    return packed.getvalue()


class StoredPredictions(NamedTuple):
    """What a file has of each of some images."""

    labels: list[NDArray[np.uint8]]
    """(H,W); none where nothing segments."""
    tasks: dict[TaskName, list[TaskMap]]
    """By further task; none in files of older versions."""


def unpack(content: bytes) -> StoredPredictions:
    """What ``pack`` was given.

    Raises:
        ValueError: the content is damaged.
    """
    arrays = _read(content)
    labels = list(arrays[_OLD]) if _OLD in arrays else _of(arrays, _LABELS)
    maps: dict[str, TaskMap] = dict(arrays)
    tasks = {task: _of(maps, f"{task}_{{}}") for task in TASKS}
    return StoredPredictions(labels, {task: found for task, found in tasks.items() if found})


def _of(arrays: Mapping[str, _Map], name: str) -> list[_Map]:
    number = sum(name.format(row) in arrays for row in range(len(arrays)))
    return [arrays[name.format(row)] for row in range(number)]


def _read(content: bytes) -> dict[str, NDArray[np.uint8]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as saved:
            return dict(saved)
    except Exception as error:  # zip, zlib and NumPy raise many types for a damaged archive
        raise ValueError(str(error)) from None
