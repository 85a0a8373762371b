"""Views of images whose last bands are maps: scaled and mirrored as each kind of map must be.

The same as training does (``data/target_kinds.py``): no depth or normal lies between two surfaces,
what is enlarged looks nearer, and a mirrored normal points the other way.
Shape letters: B images, C bands, H rows, W columns.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config.evaluation import Size
from trainables.config.inputs import INPUT_BANDS, InputName
from trainables.geometry import normals

Move = Callable[[Tensor], Tensor]


def scaled_view(
    images_BCHW: Tensor, size: Size, scale: float, inputs: Sequence[InputName], resize: Move
) -> Tensor:
    """Images ``scale`` times as large, at this size; ``resize`` is what the image's bands get."""

    def of_map(name: InputName, map_BCHW: Tensor) -> Tensor:
        if tuple(map_BCHW.shape[-2:]) != size:
            map_BCHW = F.interpolate(map_BCHW, size, mode="nearest")
        return map_BCHW / scale if name == "depth" and scale != 1 else map_BCHW

    return _each(images_BCHW, inputs, resize, of_map)


def mirrored_view(images_BCHW: Tensor, inputs: Sequence[InputName]) -> Tensor:
    """Images mirrored left and right."""

    def of_map(name: InputName, map_BCHW: Tensor) -> Tensor:
        return normals.mirrored(map_BCHW) if name == "normals" else map_BCHW.flip(-1)

    return _each(images_BCHW, inputs, lambda image_BCHW: image_BCHW.flip(-1), of_map)


def _each(
    images_BCHW: Tensor,
    inputs: Sequence[InputName],
    image: Move,
    of_map: Callable[[InputName, Tensor], Tensor],
) -> Tensor:
    if not inputs:
        return image(images_BCHW)
    counts = [INPUT_BANDS[name] for name in inputs]
    first, *maps = images_BCHW.split([images_BCHW.shape[1] - sum(counts), *counts], dim=1)
    moved = [of_map(name, map_) for name, map_ in zip(inputs, maps, strict=True)]
    return torch.cat((image(first), *moved), dim=1)
