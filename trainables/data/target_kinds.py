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

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.images import Size
from trainables.data.resampling import nearest
from trainables.data.targets import MISSING, TargetMap
from trainables.geometry import normals


def to_tensor(task: TaskName, maps: TargetMap) -> Tensor:
    """A map (...,H,W) as it is; ``normals`` (...,H,W,3) with the coordinates first."""
    tensor = torch.from_numpy(np.require(maps, requirements="W"))
    return tensor.movedim(-1, -3) if task == "normals" else tensor


def to_array(task: TaskName, map_: Tensor) -> TargetMap:
    """What ``to_tensor`` was given."""
    maps: TargetMap = (map_.movedim(-3, -1) if task == "normals" else map_).numpy()
    return maps


def mirrored(task: TaskName, map_: Tensor) -> Tensor:
    """A map (...,H,W) of the image mirrored left and right."""
    return normals.mirrored(map_) if task == "normals" else map_.flip(-1)


def upside_down(task: TaskName, map_: Tensor) -> Tensor:
    """A map (...,H,W) of the image mirrored up and down."""
    return normals.upside_down(map_) if task == "normals" else map_.flip(-2)


def resized(task: TaskName, map_: Tensor, size: Size) -> Tensor:
    """A map of one image, (H,W) or (3,H,W), at this size. Its values stay as they are."""
    if task == "edge":
        map_ = _shrunk(map_, min(map_.shape[-2], size[0]), min(map_.shape[-1], size[1]))
    if map_.shape[-2:] == size:
        return map_
    rows, columns = map(nearest, map_.shape[-2:], size)
    array = to_array(task, map_).take(rows, axis=0).take(columns, axis=1)
    return to_tensor(task, array)


def zoomed(task: TaskName, map_: Tensor, size: Size, zoom: float) -> Tensor:
    """A map of the image enlarged ``zoom`` times, to this size, as if it were nearer."""
    map_ = resized(task, map_, size)
    return map_ / zoom if task == "depth" else map_


def padded(task: TaskName, map_: Tensor, below: int, right: int) -> Tensor:
    """A map (...,H,W) with so many pixels more, in which it is missing."""
    return F.pad(map_, (0, right, 0, below), value=MISSING[task])


def turned(task: TaskName, map_: Tensor, angle: float) -> Tensor:
    """A map (...,H,W), whose pixels lie where they should, of the image turned by this angle.

    Args:
        task: whose.
        map_: on which nothing but normals changes.
        angle: radians; positive from the x axis to the y axis, as the clock goes.
    """
    if task != "normals":
        return map_
    cos, sin = math.cos(angle), math.sin(angle)
    x, y, z = map_.unbind(-3)
    return torch.stack((cos * x - sin * y, sin * x + cos * y, z), dim=-3)


def _shrunk(edge: Tensor, rows: int, columns: int) -> Tensor:
    """Each pixel is an edge if one lies in its area; missing if nothing else does."""
    rank = (edge + 1).numpy()  # in eight bits: missing 0, no edge 1, edge 2
    for axis, after in ((-2, rows), (-1, columns)):
        if (before := rank.shape[axis]) != after:
            starts = np.arange(after) * before // after
            rank = np.maximum.reduceat(rank, starts, axis=axis)
    return torch.from_numpy(rank) - 1
