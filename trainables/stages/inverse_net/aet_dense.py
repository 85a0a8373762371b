"""Ours: a convolutional network whose two feature maps meet before they lose their places.

Shape letters: N pairs, S tile side, L cells a side, M map side, F features, C coefficients.
"""

import torch
from torch import Tensor, nn

from trainables.stages.inverse_net.cells import BLUR, Cells

_FEATURES = 16
_OUT = 32


class MeetingMapsNet(nn.Module):
    """``aet_dense``: one encoder for both tiles; a convolution and dense layers combine the two.

    AET averages each tile's features over the tile before it combines the two (``aet.py``). That
    loses where boundaries are. Here the feature maps are combined first, with their places. As in
    ``dense``, tiles are blurred down to cells, the output for (true, true) is subtracted, and the
    layer that combines the two is split into one half for each.
    """

    def __init__(
        self, tile: int, coefficients: int = 6, cells: int = 16, blur: float = BLUR
    ) -> None:
        super().__init__()
        self.cells = Cells(tile, cells, blur)
        self.encoder = nn.Sequential(nn.Conv2d(1, _FEATURES, 5, stride=2, padding=2), nn.ReLU())
        self.of_first = nn.Conv2d(_FEATURES, _OUT, 3, stride=2, padding=1)
        self.of_second = nn.Conv2d(_FEATURES, _OUT, 3, stride=2, padding=1, bias=False)
        self.rest = nn.Sequential(
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(_OUT * ((self.cells.side + 3) // 4) ** 2, 2 * _OUT),
            nn.ReLU(),
            nn.Linear(2 * _OUT, coefficients),
        )

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        tiles_N1LL = self.cells(torch.cat((predicted_NSS, true_NSS))).unsqueeze(1)
        both_NFMM = self.encoder(tiles_N1LL)
        second_NFMM = self.of_second(both_NFMM[len(true_NSS) :])
        pair_NFMM, same_NFMM = self.of_first(both_NFMM).chunk(2)
        met_NFMM = torch.cat((pair_NFMM + second_NFMM, same_NFMM + second_NFMM))
        pair_NC, same_NC = self.rest(met_NFMM).chunk(2)
        return pair_NC - same_NC
