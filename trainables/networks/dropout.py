"""Dropout whose draws belong to images, so that no number of ranks changes what is dropped.

Shape letters: B images, D features, h rows, w columns.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

_STREAM = 0xD0
"""Sets these draws apart from those of the augmentation, which have equal seeds."""


class ChannelDropout(nn.Module):
    """Drops complete channels (Tompson et al., CVPR 2015) of each image apart."""

    def __init__(self, share: float) -> None:
        """``share`` of the channels is dropped, in [0, 1)."""
        super().__init__()
        self.share = share
        self._images: list[tuple[int, int, int]] = []
        # As a decorator it would import torch's compiler, 1.6 s, into every process of a study.
        self._drawn = torch.compiler.disable(self._factors) if share else self._factors

    def draw(self, seed: int, epoch: int, places: Sequence[int]) -> None:
        """Name the images of the next batch by their places in the epoch's order."""
        self._images = [(seed, epoch, place) for place in places]

    def forward(self, x_BDhw: Tensor) -> Tensor:
        """The features, those that stay divided by their share; unchanged in evaluation.

        Raises:
            ValueError: ``draw`` did not name every image of the batch.
        """
        if not self.training or not self.share:
            return x_BDhw
        return x_BDhw * self._drawn(x_BDhw).to(x_BDhw)

    def _factors(self, x_BDhw: Tensor) -> Tensor:
        """(B,D,1,1): 0 for a dropped channel, else 1 / (1 - share)."""
        if len(self._images) != len(x_BDhw):
            raise ValueError(
                f"draw must name the {len(x_BDhw)} images of the batch, got {len(self._images)}"
            )
        channels = x_BDhw.shape[1]
        drawn_BD = np.stack(
            [np.random.default_rng([*image, _STREAM]).random(channels) for image in self._images]
        )
        stays_BD = torch.from_numpy(drawn_BD >= self.share)
        return stays_BD[:, :, None, None] / (1 - self.share)
