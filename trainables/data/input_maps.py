"""The maps that a network receives behind the bands of its images: ``data/inputs``.

Until a batch is ready they lie among its targets, and are resized, cropped and mirrored as these.
Shape letters: B images, C bands, H rows, W columns, P pixels.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.inputs import INPUT_BANDS, InputMap, InputName
from trainables.data.targets import TargetMap, Targets


def joined(images_BCHW: Tensor, maps: Targets, names: Sequence[InputName]) -> Tensor:
    """Float images with the bands of these maps (B,H,W) or (B,3,H,W) behind their own."""
    if not names:
        return images_BCHW
    beside = [maps[name].unsqueeze(1) if maps[name].ndim == 3 else maps[name] for name in names]
    return torch.cat((images_BCHW, *beside), dim=1)


def without(maps: Targets, names: Sequence[InputName]) -> Targets:
    """What is left for the losses: no task's map is an input."""
    return {task: map_ for task, map_ in maps.items() if task not in names} if names else maps


def known_1PC(name: InputName, map_: TargetMap) -> NDArray[np.float32]:
    """The values of a map (H,W) or (H,W,3) where it has any, as an image of one row."""
    values_PC = map_.reshape(-1, INPUT_BANDS[name]).astype(np.float32)
    return values_PC[values_PC.any(axis=1)][None]


def input_map(name: InputName, mean_C: NDArray[np.float64], std_C: NDArray[np.float64]) -> InputMap:
    """A map that is normalised by these; a band that has one value everywhere keeps its unit."""
    std_C = np.where(std_C > 0, std_C, 1.0)
    return InputMap(name, tuple(mean_C.tolist()), tuple(std_C.tolist()))
