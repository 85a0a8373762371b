"""A bounded spatial transformer (InverseForm, Figure 3a; Jaderberg et al., NeurIPS 2015).

Shape letters: N tiles, S tile side, D degrees of freedom.
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from trainables.geometry import homography

_SIDE = 8
_HIDDEN = 64


class SpatialTransformer(nn.Module):
    """Predicts a transformation for a tile; grid and sampler are in ``homography.warp``.

    The paper does not say how its transformer is trained. Ours is trained against the
    inverse-transformation network, to maximise that network's error. A tanh keeps it within the
    bounds of the random transformations; noise before the tanh prevents it from settling on one
    transformation per tile.
    """

    def __init__(
        self, coefficients: int, ranges: homography.Ranges = homography.DEFAULT_RANGES
    ) -> None:
        super().__init__()
        self.ranges = ranges
        self.freedom = homography.freedom(coefficients)
        self.localisation = nn.Sequential(
            nn.Linear(_SIDE * _SIDE, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, self.freedom)
        )

    def forward(self, tiles_NSS: Tensor, generator: Generator) -> Tensor:
        """(N,3,3): a transformation for each tile."""
        small_N1 = F.adaptive_avg_pool2d(tiles_NSS.unsqueeze(1), _SIDE).flatten(1)
        noise_ND = torch.randn(len(tiles_NSS), self.freedom, generator=generator)
        return homography.from_freedom((self.localisation(small_N1) + noise_ND).tanh(), self.ranges)
