"""Ours: a dense network from two blurred boundary tiles to theta, zero for equal tiles.

Shape letters: N pairs, S tile side, I cells of a tile, C coefficients.
"""

import torch
from torch import Tensor, nn

from trainables.stages.inverse_net.cells import BLUR, Cells


class BlurredDenseNet(nn.Module):
    """``dense``: as the paper's ``plain`` it has dense layers only, but two things are ours.

    The tile is blurred down to cells first (``Cells``). And the output for (true, true) is
    subtracted, so that a perfect prediction is at distance zero by construction; the released
    network gives some identical pairs larger distances than others.
    """

    def __init__(
        self,
        tile: int,
        hidden: int,
        coefficients: int = 6,
        cells: int = 16,
        blur: float = BLUR,
    ) -> None:
        super().__init__()
        self.cells = Cells(tile, cells, blur)
        inputs = self.cells.side**2
        # The first layer is split by tile: the true tile's half is computed once for two pairs.
        self.of_first = nn.Linear(inputs, hidden)
        self.of_second = nn.Linear(inputs, hidden, bias=False)
        self.rest = nn.Sequential(
            nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, coefficients)
        )

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        predicted_NI, true_NI = (
            self.cells(predicted_NSS).flatten(1),
            self.cells(true_NSS).flatten(1),
        )
        second_NH = self.of_second(true_NI)
        pair_NH, same_NH = self.of_first(torch.cat((predicted_NI, true_NI))).chunk(2)
        pair_NC, same_NC = self.rest(torch.cat((pair_NH + second_NH, same_NH + second_NH))).chunk(2)
        return pair_NC - same_NC
