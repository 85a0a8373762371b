"""How much of a prediction a transformation leaves unexplained: what no regression can say.

Shape letters: N pairs, S tile side, L cells a side, C coefficients.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.geometry import homography
from trainables.stages.inverse_net.cells import Cells

_WEIGHT, _TILE = 3.4, 32
"""Of what has nothing in common with the true tile, in units of the normal form, in which a sampled
transformation is 2.4 from the identity on average. Found on tiles of 8, 16 and 32 px: more, by a
root, on smaller ones, where a pixel is a larger part."""

_TINY = 1e-12


class WithUnexplained(nn.Module):
    """One more output beside a network's coefficients, which is ours.

    InverseForm assumes that the prediction is the true boundary, transformed, and asks by how much.
    Shown a blank prediction or another tile, a regression answers with its mean, near the identity:
    an empty prediction is then a minimum of the loss. So the true tile is transformed as the
    network says, and what the prediction differs by is the last output: zero where the network is
    right. Compared are cells of two pixels at least, relative to both tiles and one line more, and
    only where the true tile's content would lie: what moves in from outside is not known.
    """

    def __init__(self, regressor: nn.Module, tile: int, cells: int = 16) -> None:
        super().__init__()
        self.regressor, self.cells = regressor, Cells(tile, min(cells, tile // 2))
        self.weight = _WEIGHT * max(1.0, _TILE / tile) ** 0.5

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C+1)."""
        found_NC = self.regressor(predicted_NSS, true_NSS)
        # The affine part alone: it has no denominator that could vanish.
        perspective = found_NC.shape[1] - homography.AFFINE
        affine_NC = F.pad(found_NC[:, : homography.AFFINE], (0, perspective))
        theta_N33 = homography.denormalise(affine_NC)
        expected_NSS, known_NSS = homography.warp_within(true_NSS, theta_N33)
        rest_N = self._energy((predicted_NSS - expected_NSS) * known_NSS)
        both_N = self._energy(predicted_NSS) + self._energy(true_NSS)
        share_N = rest_N / (both_N + self.cells.side)
        return torch.cat((found_NC, self.weight * (share_N + _TINY).sqrt().unsqueeze(1)), dim=1)

    def _energy(self, tiles_NSS: Tensor) -> Tensor:
        return self.cells(tiles_NSS).square().sum(dim=(1, 2))
