"""The inverse-transformation network (InverseForm, 3.2): two boundary tiles in, theta out.

Shape letters: N pairs, S tile side, C coefficients.
"""

import torch
from torch import Tensor, nn


class InverseTransformNet(nn.Module):
    """Dense, as in the paper: a convolution would be blind to the shift that it must measure."""

    def __init__(self, tile: int, hidden: int, coefficients: int = 6) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * tile * tile, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, coefficients),
        )

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        return self.layers(torch.cat((predicted_NSS.flatten(1), true_NSS.flatten(1)), dim=1))
