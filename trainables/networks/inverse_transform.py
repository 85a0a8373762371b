"""The inverse-transformation network (InverseForm, 3.2): two boundary tiles in, theta out.

Shape letters: N pairs, S tile side, L cells a side, C coefficients.
"""

import math

import torch
from torch import Tensor, nn

_SIGMA = 0.75
"""Of the blur, in cells."""


class InverseTransformNet(nn.Module):
    """Dense, as in the paper: a convolution would be blind to the shift that it must measure.

    Two things are ours. The tile is blurred down to cells first, or the gradient by a predicted
    boundary is a pattern of single pixels that lowers the loss without moving anything. And what
    the layers say of (true, true) is subtracted, so that a perfect prediction is at distance zero
    by construction; the released network puts some identical pairs further apart than others.
    """

    def __init__(self, tile: int, hidden: int, coefficients: int = 6, cells: int = 16) -> None:
        super().__init__()
        blur_LS = blur_matrix(tile, min(cells, tile))
        self.register_buffer("blur_LS", blur_LS, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * len(blur_LS) ** 2, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, coefficients),
        )

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        predicted_NI, true_NI = self._cells(predicted_NSS), self._cells(true_NSS)
        pair_NI = torch.cat((predicted_NI, true_NI), dim=1)
        same_NI = torch.cat((true_NI, true_NI), dim=1)
        pair_NC, same_NC = self.layers(torch.cat((pair_NI, same_NI))).chunk(2)
        return pair_NC - same_NC

    def _cells(self, tiles_NSS: Tensor) -> Tensor:
        blur_LS = self.get_buffer("blur_LS")
        return (blur_LS @ tiles_NSS @ blur_LS.T).flatten(1)


def blur_matrix(tile: int, cells: int) -> Tensor:
    """(L,S): weights that blur a row of pixels with a Gaussian and read it at L even places.

    A row sums to sqrt(tile / cells) inside the tile, so that a line keeps its height as cells grow.
    """
    step = tile / cells
    place_L = (torch.arange(cells) + 0.5) * step - 0.5
    offset_LS = torch.arange(tile) - place_L.unsqueeze(1)
    weight_LS = (-0.5 * (offset_LS / (_SIGMA * step)).square()).exp()
    return weight_LS * math.sqrt(step) / (_SIGMA * step * math.sqrt(2 * math.pi))
