"""How much of a prediction a transformation leaves unexplained, which a regression cannot say.

Shape letters: N pairs, S tile side, L cells a side, C coefficients.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.geometry import homography
from trainables.stages.inverse_net.cells import BLUR, Cells

WEIGHT, _TILE = 3.4, 32
"""By default, the output for a prediction that has nothing in common with the true tile, from tile
side 32 on.

Its unit is that of the normal form, in which a sampled transformation is 2.4 from the identity on
average. Tuned on tiles of 8, 16 and 32 px: smaller tiles need more, by the root of 32 / side, as a
pixel is a larger part of them.
"""

_TINY = 1e-12


class WithUnexplained(nn.Module):
    """One more output beside a network's coefficients, which is ours.

    InverseForm assumes that the prediction is a transformation of the true boundary, and estimates
    it. For a blank prediction or an unrelated tile, a regression returns its mean, which is near
    the identity: an empty prediction would then minimise the loss. So the true tile is transformed
    by the network's estimate, and the difference from the prediction is the last output. It is zero
    where the network is right. The difference is taken between cells of at least two pixels,
    relative to the content of both tiles plus one line, and only where the true tile's content
    would lie, because what moves in from outside is unknown.
    """

    def __init__(
        self,
        regressor: nn.Module,
        tile: int,
        cells: int = 16,
        blur: float = BLUR,
        weight: float = WEIGHT,
    ) -> None:
        super().__init__()
        self.regressor, self.cells = regressor, Cells(tile, min(cells, tile // 2), blur)
        self.weight = weight * max(1.0, _TILE / tile) ** 0.5

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
