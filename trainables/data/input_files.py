"""Maps of images that are predicted, in a folder of files of the same names.

``DIR/depth/NAME`` and ``DIR/normals/NAME``; of a single map also ``DIR/NAME``. They are what
``study/predict.py`` itself writes, or arrays: ``.png`` (depth: 16-bit millimetres; normals: 127.5
times x, y, z + 1) or ``.npy`` (metres; unit vectors). 0 is missing.
Shape letters: H rows, W columns.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from trainables.config.inputs import InputMap, InputName
from trainables.data import files
from trainables.data.dataset import DataError
from trainables.data.target_files import (
    Content,
    TargetFile,
    depth_npy,
    normals_npy,
    normals_png,
)
from trainables.data.targets import TargetMap

_MILLIMETRES = 1000
_FAR = 4
"""Standard deviations from the training's mean that no image's mean should be."""


def depth_png(file: Content) -> TargetMap:
    """(H,W) metres of 16-bit millimetres."""
    path, content = file
    image = files.open_image(path, content, deep=True)
    if image.mode not in ("I;16", "I"):
        raise DataError(f"{path}: depth must be 16-bit with one channel, got mode {image.mode}")
    return np.asarray(image).astype(np.float32) / np.float32(_MILLIMETRES)


_DECODE: Mapping[InputName, Mapping[str, Callable[..., TargetMap]]] = {
    "depth": {".png": depth_png, ".npy": depth_npy},
    "normals": {".png": normals_png, ".npy": normals_npy},
}


def beside(folder: Path, name: str, inputs: Sequence[InputName]) -> tuple[TargetFile, ...]:
    """The files of these maps for the image of this name, without suffix.

    Raises:
        DataError: one is missing.
    """
    return tuple(_file(folder, name, one, alone=len(inputs) == 1) for one in inputs)


def _file(folder: Path, name: str, one: InputName, *, alone: bool) -> TargetFile:
    places = [folder / one, *([folder] if alone else [])]
    found = [
        (place / f"{name}{suffix}", decode)
        for place in places
        for suffix, decode in _DECODE[one].items()
    ]
    for path, decode in found:
        if path.is_file():
            return TargetFile(one, (path,), decode)
    names = " or ".join(_DECODE[one])
    raise DataError(f"{places[0] / name}{names}: {one} of {name} is missing")


def unlike_training(name: str, map_: TargetMap, how: InputMap) -> str:
    """What is strange about the depth of an image, in one line; "" if nothing is.

    A file in another unit would give a prediction that looks like any other.
    """
    known = map_[map_ > 0]
    if how.name != "depth" or not known.size:
        return "" if known.size or how.name != "depth" else f"{name}: no pixel has a depth"
    mean, (usual,), (std,) = float(known.mean()), how.mean, how.std
    if abs(mean - usual) <= _FAR * std:
        return ""
    return (
        f"{name}: mean depth {mean:.3g} m, where the training had {usual:.3g} m and a standard "
        f"deviation of {std:.3g} m: are these files in millimetres (.png) or metres (.npy)?"
    )
