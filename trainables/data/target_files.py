"""Maps beside the labels, in files of their own.

Shape letters: H rows, W columns.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import read_array
from numpy.typing import NDArray

from trainables.config.tasks import TaskName
from trainables.data import files
from trainables.data.dataset import DataError
from trainables.data.images import Size
from trainables.data.target_faults import require_target, unit_normals
from trainables.data.targets import MISSING, TargetMap
from trainables.geometry.boundaries import VOID

Content = tuple[Path, bytes]
"""A file with what is in it."""


@dataclass(frozen=True)
class TargetFile:
    """A map, not opened yet."""

    task: TaskName
    paths: tuple[Path, ...]
    """The files of which it is made."""
    decode: Callable[..., TargetMap]
    """Each file as a ``Content`` to the map; a function of a module, so that it pickles."""

    def require_files(self, name: str) -> None:
        """Raise a DataError that names a missing file."""
        for path in self.paths:
            if not path.is_file():
                raise DataError(f"{path}: {self.task} of {name} is missing")

    def read(self, size: Size) -> tuple[TargetMap, tuple[tuple[str, bytes], ...]]:
        """The map of an image of this size, and the files' names and contents.

        Raises:
            DataError: it cannot be decoded, or is not what ``targets.py`` says.
        """
        contents = [(path, files.read_bytes(path)) for path in self.paths]
        map_ = self.decode(*contents)
        require_target(str(self.paths[0]), self.task, map_, size)
        return map_, tuple((path.name, content) for path, content in contents)


Files = Mapping[TaskName, tuple[tuple[str, ...], Callable[..., TargetMap]]]
"""By task, where the files of its map lie, such as ``depth/{}.npy``, and how they are decoded."""


def files_beside(
    root: Path, name: str, tasks: Iterable[TaskName], known: Files
) -> tuple[TargetFile, ...]:
    """The maps of an image of this name, of those tasks that have files."""
    chosen = [(task, *known[task]) for task in tasks if task in known]
    return tuple(
        TargetFile(task, tuple(root / place.format(name) for place in places), decode)
        for task, places, decode in chosen
    )


def numpy_array(file: Content) -> NDArray[np.generic]:
    """The array in a `.npy` file."""
    path, content = file
    try:
        # Not ``np.load``, which opens archives and pickles, too.
        array: NDArray[np.generic] = read_array(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        why = str(error).splitlines() or [type(error).__name__]
        raise DataError(f"{path}: cannot be decoded: {why[0]}") from None
    if not np.issubdtype(array.dtype, np.number) and array.dtype != np.bool_:
        raise DataError(f"{path}: must hold numbers, got {array.dtype}")
    return array


def depth_npy(file: Content) -> TargetMap:
    """Metres, 0 where they are missing."""
    return _real(file).astype(np.float32)


def normals_npy(file: Content) -> TargetMap:
    """Vectors as they are stored, of length one."""
    return unit_normals(str(file[0]), _real(file))


def edge_npy(file: Content) -> TargetMap:
    """1 on an edge, else 0, of any type of numbers."""
    edge_HW = numpy_array(file)
    wrong_HW = (edge_HW != 0) & (edge_HW != 1)
    if wrong_HW.any():
        raise DataError(f"{file[0]}: edge must be 0 or 1, got {edge_HW[wrong_HW][0]}")
    return edge_HW.astype(np.uint8)


def _real(file: Content) -> NDArray[np.floating]:
    array = numpy_array(file)
    if not np.issubdtype(array.dtype, np.floating):
        raise DataError(f"{file[0]}: must hold floats, got {array.dtype}")
    return array  # type: ignore[return-value]


def normals_png(file: Content) -> TargetMap:
    """Vectors (v / 255) * 2 - 1 of 8-bit RGB."""
    path, content = file
    image = files.open_image(path, content)
    if image.mode != "RGB":
        raise DataError(f"{path}: normals must be 8-bit RGB, got mode {image.mode}")
    return unit_normals(str(path), np.asarray(image).astype(np.float64) / 127.5 - 1)


def saliency_png(file: Content) -> TargetMap:
    """1 where an 8-bit grey image is above a half of white."""
    path, content = file
    image = files.open_image(path, content)
    if image.mode not in ("L", "1"):
        raise DataError(f"{path}: saliency must be 8-bit grey, got mode {image.mode}")
    grey_HW = np.asarray(image.convert("L"))
    if grey_HW.max() == 1:  # it would be read as salient nowhere
        raise DataError(f"{path}: saliency must be 255 where it is white, got 0 and 1")
    return (grey_HW / 255.0 > 0.5).astype(np.uint8)


def label_changes(labels_HW: NDArray[np.uint8]) -> TargetMap:
    """Edges where no file has them: 1 where the pixel to the right or below has another label.

    So lines are one pixel wide, on the left and the upper side. Beside void nothing is an edge, and
    void is missing.
    """
    edge_HW = np.zeros(labels_HW.shape, dtype=np.uint8)
    for axis in (0, 1):
        first, second = np.delete(labels_HW, -1, axis), np.delete(labels_HW, 0, axis)
        changes = (first != second) & (first != VOID) & (second != VOID)
        np.moveaxis(edge_HW, axis, 0)[:-1] |= np.moveaxis(changes, axis, 0)
    edge_HW[labels_HW == VOID] = MISSING["edge"]
    return edge_HW
