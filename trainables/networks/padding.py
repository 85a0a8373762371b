"""Sides of images that a network does not divide: how they are padded, and cut again.

Shape letters: B images, C channels, H rows, W columns.
"""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class Padding(NamedTuple):
    """Pixels added around images."""

    left: int
    right: int
    top: int
    bottom: int
    centred: bool
    """Zeros on both sides, the odd pixel at the end; else the edge, repeated at the end."""

    @classmethod
    def of(cls, rows: int, columns: int, multiple: int, centred: bool = False) -> "Padding":
        """Those that images of this size lack to multiples."""
        below, beside = -rows % multiple, -columns % multiple
        if not centred:
            return cls(0, beside, 0, below, centred)
        return cls(beside // 2, beside - beside // 2, below // 2, below - below // 2, centred)

    def around(self, maps_BCHW: Tensor) -> Tensor:
        """The padded maps."""
        if not any(self[:4]):
            return maps_BCHW
        return F.pad(maps_BCHW, self[:4], mode="constant" if self.centred else "replicate")

    def cut(self, maps_BCHW: Tensor) -> Tensor:
        """Of padded maps, what lies inside."""
        rows, columns = maps_BCHW.shape[-2:]
        return maps_BCHW[..., self.top : rows - self.bottom, self.left : columns - self.right]
