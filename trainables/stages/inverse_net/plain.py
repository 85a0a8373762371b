"""InverseForm's inverse-transformation network as the paper has it (3.2, Figure 3b).

Shape letters: N pairs, S tile side, C coefficients.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class InverseTransformNet(nn.Module):
    """``plain``: both tiles, concatenated, through dense layers with ReLU between them.

    The paper gives no sizes. The released InverseNet has 1000 and 32 units for tiles of 224, and
    four outputs. Nothing in it makes the output zero for two equal tiles.
    """

    def __init__(self, tile: int, units: tuple[int, ...], coefficients: int = 6) -> None:
        super().__init__()
        widths = (2 * tile * tile, *units, coefficients)
        linear = [nn.Linear(before, after) for before, after in pairwise(widths)]
        between = [layer for hidden in linear[:-1] for layer in (hidden, nn.ReLU())]
        self.layers = nn.Sequential(*between, linear[-1])

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        both_N = torch.cat((predicted_NSS.flatten(1), true_NSS.flatten(1)), dim=1)
        coefficients_NC: Tensor = self.layers(both_N)
        return coefficients_NC
