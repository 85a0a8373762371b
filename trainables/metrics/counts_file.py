"""A small file of the counts of a trial's images, from which any mean can be computed again.

A NumPy ``.npz`` of unsigned integers, each table in the narrowest type that holds it, compressed,
without pickle: it is widely readable and loading executes no code.
"""

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables import proof
from trainables.config import require
from trainables.config.tasks import TASKS, TaskName
from trainables.metrics.catalog import BOUNDARY_IOU_RATIO, TOLERANCES_PX, TRIMAP_WIDTHS_PX
from trainables.metrics.other_tasks.counts import NO_TABLES, Tables, type_of
from trainables.metrics.per_image import LATER, ImageCounts, empty
from trainables.metrics.plugin_metric import Counts

SETTINGS = {
    "tolerances_px": np.array(TOLERANCES_PX, dtype=np.uint8),
    "trimap_widths_px": np.array(TRIMAP_WIDTHS_PX, dtype=np.uint8),
    "boundary_iou_ratio": np.array(BOUNDARY_IOU_RATIO),
}
"""The settings of the counts; a file with other settings is refused, not misread."""
_CONFUSION = "confusion_KK"
_PLUGIN = "plugin_{}_NC"
_TASK = "task_{}"


def pack(
    counts: ImageCounts,
    names: Sequence[str] = (),
    confusion_KK: Tensor | None = None,
    plugin_counts: Mapping[str, Counts] | None = None,
    task_counts: Tables = NO_TABLES,
) -> bytes:
    """The content of a counts file, with its hash. Equal counts give equal bytes.

    Args:
        counts: a complete table, already summed over ranks.
        names: the images' names in row order; may be left out.
        confusion_KK: of all images together, by true class (rows) and predicted class; may be
            left out.
        plugin_counts: by metric of a plug-in, float64 (N,C).
        task_counts: by task besides the segmentation, a table as ``other_tasks/counts.py`` has it.

    Raises:
        ValueError: if there are names, but not one per image.
    """
    num_images = len(counts.overlap_NK3)
    fits = len(names) in (0, num_images)
    require(fits, "names", f"one for each of {num_images} images", len(names))
    arrays: dict[str, Any] = {
        "names": np.array(list(names), dtype=np.str_),
        **SETTINGS,
    }
    for name, table in counts._asdict().items():
        arrays[name] = _narrow(table.cpu().numpy())
    if confusion_KK is not None:
        arrays[_CONFUSION] = _narrow(confusion_KK.cpu().numpy())
    arrays |= {_PLUGIN.format(name): table for name, table in (plugin_counts or {}).items()}
    for task, table in task_counts.items():
        whole = table.dtype == torch.int64
        arrays[_TASK.format(task)] = _narrow(table.numpy()) if whole else table.numpy()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return proof.seal(buffer.getvalue())


def _narrow(table: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    assert table.size == 0 or table.min() >= 0, "counts are never negative"
    return table.astype(np.min_scalar_type(table.max(initial=0)))


def load(path: str | os.PathLike[str]) -> ImageCounts:
    """The counts of a file, int64 on the CPU.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is damaged, is not a counts file, or has other tolerances or bands.
    """
    needed = [name for name in ImageCounts._fields if name not in LATER]
    arrays = _read(path, ("names", *SETTINGS, *needed), LATER)
    for name, expected in SETTINGS.items():
        found = arrays[name]
        same = np.array_equal(found, expected)
        require(same, f"{name} of {path}", str(expected.tolist()), found.tolist())
    tables = {
        name: torch.from_numpy(arrays[name].astype(np.int64))
        for name in ImageCounts._fields
        if name in arrays
    }
    images, classes, _ = tables["overlap_NK3"].shape
    return empty(images, classes, torch.device("cpu"))._replace(**tables)


def load_names(path: str | os.PathLike[str]) -> list[str]:
    """The images' names in row order; none where they were left out.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is damaged, or is not a counts file.
    """
    names: list[str] = _read(path, ("names",))["names"].tolist()
    return names


def load_confusion(path: str | os.PathLike[str]) -> Tensor | None:
    """int64 (K,K): the pixels of all images by true class (rows) and predicted class; None in a
    file of an older version.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is damaged, or is not a counts file.
    """
    arrays = _read(path, ("names",), (_CONFUSION,))
    if _CONFUSION not in arrays:
        return None
    return torch.from_numpy(arrays[_CONFUSION].astype(np.int64))


def load_plugin_counts(path: str | os.PathLike[str], names: Iterable[str]) -> dict[str, Counts]:
    """float64 (N,C) by metric of a plug-in, of those among ``names`` that the file has.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is damaged, or is not a counts file.
    """
    keys = {_PLUGIN.format(name): name for name in names}
    arrays = _read(path, ("names",), tuple(keys))
    return {name: arrays[key].astype(np.float64) for key, name in keys.items() if key in arrays}


def load_task_counts(path: str | os.PathLike[str]) -> dict[TaskName, Tensor]:
    """By task besides the segmentation, its table on the CPU; none in files of older versions.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is damaged, or is not a counts file.
    """
    arrays = _read(path, ("names",), [_TASK.format(task) for task in TASKS])
    found = {task: arrays.get(_TASK.format(task)) for task in TASKS}
    return {
        task: torch.from_numpy(table).to(type_of(task))
        for task, table in found.items()
        if table is not None
    }


def _read(
    path: str | os.PathLike[str], needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[np.generic]]:
    content = Path(path).read_bytes()
    try:
        archive = proof.unseal(content, path)
    except proof.UnprovenError:
        archive = content  # its tables have their own checksums, as in every zip archive
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as file:
            found = [name for name in optional if name in file.files]
            return {name: file[name] for name in (*needed, *found)}
    except Exception as error:  # zip, zlib and NumPy raise many types for a damaged archive
        raise ValueError(f"{path} must be a counts file, got one with: {error}") from error
