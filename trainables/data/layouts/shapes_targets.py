"""Depth, normals, edges and saliency of a scene of ``shapes``, from formulas.

The camera is a pinhole with its axis through the middle of the image and a focal length of as many
pixels as the image is wide: the pixel (row v, column u) looks along (x, y, 1), where
x = (u - (W - 1) / 2) / W and y = (v - (H - 1) / 2) / W, x to the right and y down.

Each surface is given by its inverse depth q(x, y) in 1/m. That of a plane is linear in x and y,
q = n . (x, y, 1) / d. The background is a floor, 10 m away at the top of the image and 5 m at the
bottom. Objects stand before it, each nearer than those painted before it, from 4 m to 1 m. Boxes,
triangles, poles and wires are planes, slanted as their class; disks are bulges, q = a - b r^2.
The normal that faces the viewer is (-q_x, -q_y, q - x q_x - y q_y), normalised, z to the viewer.

Colours know nothing of this: what a network can learn from is which object covers which, the
classes and the places. The scene's void rim is missing in each map.
Shape letters: H rows, W columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.config.tasks import TaskName
from trainables.data.targets import MISSING, TargetMap

TASKS: tuple[TaskName, ...] = ("edge", "depth", "normals", "saliency")
FLOOR_M = (10.0, 5.0)
"""Depth of the background in the first and in the last row."""
OBJECTS_M = (4.0, 1.0)
"""Between these depths lie the objects."""
SLANT: Mapping[int, tuple[float, float]] = {2: (1, 0), 3: (0, -1), 4: (0, 1), 5: (-1, 0)}
"""By label, the direction (x, y) in which a plane comes nearer; disks bulge instead."""
SALIENT = (1, 2, 3)
"""Disks, boxes and triangles: the nearest of them that is seen is the salient object."""
_RANGE, _JITTER = 0.4, 0.05
"""Of an object's inverse depth and of its middle, in distances between two objects: so small that
no object reaches through another."""
_VERSION = 1
"""Raised whenever a map changes. The first number of a stream of its own beside the scene's."""
_PURPOSE = 7

Real = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Surface(NamedTuple):
    """Inverse depth in 1/m, and its derivatives by x and y; each (H,W)."""

    q: Real
    q_x: Real
    q_y: Real


def maps(
    masks: Sequence[Mask], classes: Sequence[int], rim_HW: Mask, key: Sequence[int]
) -> dict[TaskName, TargetMap]:
    """By task, the map of a scene, of the types of ``targets.py``.

    Args:
        masks: (H,W) of each object in the order of painting.
        classes: of each object.
        rim_HW: what is void.
        key: of the scene, from which its random numbers follow.
    """
    object_HW, seen = np.zeros(rim_HW.shape, dtype=np.int64), floor(rim_HW.shape)
    each = zip(masks, surfaces(masks, classes, key), strict=True)
    for number, (mask_HW, surface) in enumerate(each, start=1):
        object_HW[mask_HW] = number
        for whole_HW, part_HW in zip(seen, surface, strict=True):
            whole_HW[mask_HW] = part_HW[mask_HW]
    found: dict[TaskName, TargetMap] = {
        "edge": _edges(object_HW),
        "depth": (1 / seen.q).astype(np.float32),
        "normals": _normals(seen).astype(np.float32),
        "saliency": _salient(object_HW, classes, rim_HW),
    }
    for task, map_ in found.items():
        map_[rim_HW] = MISSING[task]
    return found


def rays(shape: tuple[int, ...]) -> tuple[Real, Real]:
    """x and y of each pixel, (H,W)."""
    rows, columns = shape
    v_HW, u_HW = np.mgrid[:rows, :columns].astype(np.float64)
    return (u_HW - (columns - 1) / 2) / columns, (v_HW - (rows - 1) / 2) / columns


def floor(shape: tuple[int, ...]) -> Surface:
    """The background."""
    _, y_HW = rays(shape)
    far, near = (1 / depth for depth in FLOOR_M)
    slope = (near - far) / max(y_HW[-1, 0] - y_HW[0, 0], 1e-6)  # an image may have one row
    q_HW = far + slope * (y_HW - y_HW[0, 0])
    return Surface(q_HW, np.zeros(shape), np.full(shape, slope))


def surfaces(
    masks: Sequence[Mask], classes: Sequence[int], key: Sequence[int]
) -> Iterator[Surface]:
    """Of each object, also where others cover it."""
    random = np.random.default_rng([_VERSION, *key, _PURPOSE])
    far, near = (1 / depth for depth in OBJECTS_M)
    step = (near - far) / len(masks)
    for number, (mask_HW, label) in enumerate(zip(masks, classes, strict=True)):
        strength, jitter = random.uniform(0.5, 1), random.uniform(-_JITTER, _JITTER)
        middle = far + (number + 0.5 + jitter) * step
        yield _surface(mask_HW, label, middle, strength * _RANGE * step)


def _surface(mask_HW: Mask, label: int, middle: float, reach: float) -> Surface:
    """An object's: within its mask, q lies between ``middle`` - ``reach`` and + ``reach``."""
    x_HW, y_HW = rays(mask_HW.shape)
    if not mask_HW.any():
        flat = np.zeros(mask_HW.shape)
        return Surface(flat + middle, flat, flat)
    x_HW, y_HW = (side - (side[mask_HW].min() + side[mask_HW].max()) / 2 for side in (x_HW, y_HW))
    if label in SLANT:
        along_x, along_y = SLANT[label]
        rise_HW = along_x * x_HW + along_y * y_HW
        slope = reach / max(np.abs(rise_HW[mask_HW]).max(), 1e-3)
        even = np.ones(mask_HW.shape) * slope
        return Surface(middle + slope * rise_HW, along_x * even, along_y * even)
    square_HW = x_HW**2 + y_HW**2
    bend = 2 * reach / max(square_HW[mask_HW].max(), 1e-6)
    return Surface(middle + reach - bend * square_HW, -2 * bend * x_HW, -2 * bend * y_HW)


def _normals(seen: Surface) -> Real:
    """(H,W,3) unit vectors that face the viewer."""
    x_HW, y_HW = rays(seen.q.shape)
    to_viewer_HW = seen.q - x_HW * seen.q_x - y_HW * seen.q_y
    normals_HW3 = np.stack((-seen.q_x, -seen.q_y, to_viewer_HW), axis=2)
    unit_HW3: Real = normals_HW3 / np.linalg.norm(normals_HW3, axis=2, keepdims=True)
    return unit_HW3


def _edges(object_HW: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The outermost pixels of each object where it covers another: those with a neighbour, left,
    right, above or below, of what was painted before it. So edges lie on the nearer side."""
    padded_HW = np.pad(object_HW, 1, mode="edge")
    up, down, left, right = (
        padded_HW[:-2, 1:-1],
        padded_HW[2:, 1:-1],
        padded_HW[1:-1, :-2],
        padded_HW[1:-1, 2:],
    )
    farthest_HW = np.minimum(np.minimum(up, down), np.minimum(left, right))
    return (farthest_HW < object_HW).astype(np.uint8)


def _salient(
    object_HW: NDArray[np.int64], classes: Sequence[int], rim_HW: Mask
) -> NDArray[np.uint8]:
    """1 on the salient object; nowhere in a scene that shows none."""
    shown = set(np.unique(object_HW[~rim_HW]).tolist())
    numbers = [n for n, label in enumerate(classes, start=1) if label in SALIENT and n in shown]
    return (object_HW == max(numbers, default=-1)).astype(np.uint8)
