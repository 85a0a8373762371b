"""The baseline of InverseForm's Table 5: AET's network (Zhang et al., CVPR 2019).

Shape letters: N pairs, S tile side, M map side, F features, C coefficients.
"""

import torch
from torch import Tensor, nn

_FEATURES = 16
_SIDE = 4
_OUT = 32


class AutoEncodingTransformationNet(nn.Module):
    """One convolutional encoder for both tiles; convolutions and one linear layer on the two.

    AET's own averages each tile's features over the tile before the two meet. On boundaries that
    loses where they are, and it recovered no shift at all (docs/log.md); so here the maps meet
    first, and their places are averaged to sixteen, not to one. Smaller than AET's, for tiles of
    one channel. As with the dense network, what it says of (true, true) is subtracted.
    """

    def __init__(self, coefficients: int = 6) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, _FEATURES // 2, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(_FEATURES // 2, _FEATURES, 3, stride=2, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.joint = nn.Sequential(
            nn.Conv2d(2 * _FEATURES, _OUT, 3, stride=2, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(_SIDE), nn.Flatten(),
            nn.Linear(_OUT * _SIDE**2, _OUT), nn.ReLU(), nn.Linear(_OUT, coefficients),
        )  # fmt: skip

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        tiles_N1SS = torch.cat((predicted_NSS, true_NSS)).unsqueeze(1)
        predicted_NFMM, true_NFMM = self.encoder(tiles_N1SS).chunk(2)
        pair_NFMM = torch.cat((predicted_NFMM, true_NFMM), dim=1)
        same_NFMM = torch.cat((true_NFMM, true_NFMM), dim=1)
        pair_NC, same_NC = self.joint(torch.cat((pair_NFMM, same_NFMM))).chunk(2)
        return pair_NC - same_NC
