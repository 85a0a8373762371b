"""What becomes of each kind of map beside the labels when its image is moved.

| kind | resized | mirrored | upside down | zoomed by s | turned | outside |
|---|---|---|---|---|---|---|
| ``edge`` | area, an edge wins; enlarged: nearest | moved | moved | moved | moved | 255 |
| ``depth`` | nearest | moved | moved | divided by s | moved | 0 |
| ``normals`` | nearest | x negated | y negated | moved | x, y turned | 0, 0, 0 |
| ``saliency``, ``parts`` | nearest | moved | moved | moved | moved | 255 |

No map but the edges mixes pixels: a mean of two depths or normals lies on neither surface. Edges
are one pixel wide, and every second one would be lost if an image shrank by two.
Shape letters: H rows, W columns; ``...`` any number of sides before them.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.images import Size
from trainables.data.resampling import nearest
from trainables.data.targets import TargetMap


def to_tensor(task: TaskName, maps: TargetMap) -> Tensor:
    """A map (...,H,W) as it is; ``normals`` (...,H,W,3) with the coordinates first."""
    tensor = torch.from_numpy(np.require(maps, requirements="W"))
    return tensor.movedim(-1, -3) if task == "normals" else tensor


def mirrored(task: TaskName, map_: Tensor) -> Tensor:
    """A map (...,H,W) of the image mirrored left and right."""
    return _negated(map_.flip(-1), 0) if task == "normals" else map_.flip(-1)


def upside_down(task: TaskName, map_: Tensor) -> Tensor:
    """A map (...,H,W) of the image mirrored up and down."""
    return _negated(map_.flip(-2), 1) if task == "normals" else map_.flip(-2)


def _negated(normals: Tensor, coordinate: int) -> Tensor:
    sign_3 = normals.new_ones(3)
    sign_3[coordinate] = -1
    return normals * sign_3.view(3, 1, 1) + 0  # no negative zero


def resize(task: TaskName, map_: TargetMap, size: Size) -> TargetMap:
    """A map of one image, (H,W) or (H,W,3), at this size. Its values stay as they are."""
    rows, columns = map_.shape[:2]
    if task == "edge":
        map_ = _shrunk(map_, min(rows, size[0]), min(columns, size[1]))
        rows, columns = map_.shape[:2]
    if (rows, columns) == size:
        return map_
    return map_[nearest(rows, size[0])][:, nearest(columns, size[1])]


def _shrunk(edge_HW: TargetMap, rows: int, columns: int) -> TargetMap:
    """Each pixel is an edge if one lies in its area; missing if nothing else does."""
    rank_HW = (edge_HW + 1).astype(np.uint8)  # missing 0, no edge 1, edge 2
    for axis, (before, after) in enumerate(zip(rank_HW.shape, (rows, columns), strict=True)):
        starts = np.arange(after) * before // after
        rank_HW = np.maximum.reduceat(rank_HW, starts, axis=axis)
    shrunk_HW: NDArray[np.uint8] = rank_HW - 1
    return shrunk_HW
