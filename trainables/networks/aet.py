"""The baseline of InverseForm's Table 5: AET's network (Zhang et al., CVPR 2019).

Shape letters: N pairs, S tile side, F features, C coefficients.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

_CHANNELS = (1, 8, 16, 32)
_FEATURES = 64


class AutoEncodingTransformationNet(nn.Module):
    """One convolutional encoder for both tiles, pooled over the tile; one linear layer on the two.

    Smaller than AET's own, for tiles of one channel. As with the dense network, what it says of
    (true, true) is subtracted: with one linear layer that leaves the difference of the features.
    """

    def __init__(self, coefficients: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels_in, channels_out in pairwise(_CHANNELS):
            layers += [nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1), nn.ReLU()]
        self.encoder = nn.Sequential(*layers, nn.Conv2d(_CHANNELS[-1], _FEATURES, 3, padding=1),
                                     nn.ReLU())  # fmt: skip
        self.linear = nn.Linear(2 * _FEATURES, coefficients)

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        tiles_N1SS = torch.cat((predicted_NSS, true_NSS)).unsqueeze(1)
        predicted_NF, true_NF = self.encoder(tiles_N1SS).mean(dim=(2, 3)).chunk(2)
        pair_N2F = torch.cat((predicted_NF, true_NF), dim=1)
        same_N2F = torch.cat((true_NF, true_NF), dim=1)
        return self.linear(pair_N2F) - self.linear(same_N2F)
