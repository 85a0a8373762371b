"""Predicted maps of tasks beside the segmentation as PNGs.

| task | channels and bits | values |
|---|---|---|
| ``edge``, ``saliency`` | one of 8 | 255 times the probability |
| ``depth`` | one of 16 | millimetres, at most 65535 |
| ``normals`` | three of 8 | 127.5 times x, y, z + 1 |
| ``parts`` | one of 8 | the part's number, 0 the background |

Shape letters: C channels of a task's map, H rows, W columns.
"""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.config.tasks import TaskName

Values = NDArray[np.float32]
"""(C,H,W): probabilities of edges, saliency and parts, metres of depth, unit normals."""
_MILLIMETRES, _MOST = 1000, 2**16 - 1
VALUES: Mapping[TaskName, str] = {
    "edge": "255 times the probability",
    "depth": "16-bit millimetres",
    "normals": "127.5 times x, y, z + 1",
    "saliency": "255 times the probability",
    "parts": "the parts' numbers",
}
"""What the numbers of a file are, in words."""


def png(task: TaskName, map_CHW: Values) -> bytes:
    """The content of a map's PNG."""
    content = io.BytesIO()
    stored = _millimetres(map_CHW) if task == "depth" else as_bytes(task, map_CHW)
    Image.fromarray(stored).save(content, "PNG")
    return content.getvalue()


def _millimetres(map_1HW: Values) -> NDArray[np.uint16]:
    return np.rint(map_1HW[0] * _MILLIMETRES).clip(0, _MOST).astype(np.uint16)


def as_bytes(task: TaskName, map_CHW: Values) -> NDArray[np.uint8]:
    """A map in eight bits, (H,W) or (H,W,3); not of ``depth``, for which they are too few."""
    if task == "parts":
        return map_CHW.argmax(axis=0).astype(np.uint8)
    if task == "normals":
        return np.rint((map_CHW.transpose(1, 2, 0) + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return np.rint(map_CHW[0] * 255).clip(0, 255).astype(np.uint8)
