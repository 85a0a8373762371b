"""Blurring boundary tiles down to cells. Shape letters: N tiles, S tile side, L cells a side."""

import math

import torch
from torch import Tensor, nn

BLUR = 0.75
"""Standard deviation of the blur, in cells, by default."""


class Cells(nn.Module):
    """The input of the networks that are ours.

    Without the blur, the gradient with respect to a predicted boundary is a pattern of single
    pixels that lowers the loss but moves nothing.
    """

    def __init__(self, tile: int, cells: int, blur: float = BLUR) -> None:
        """A tile smaller than ``cells`` has one cell per pixel."""
        super().__init__()
        self.side = min(cells, tile)
        self.register_buffer("blur_LS", blur_matrix(tile, self.side, blur), persistent=False)

    def forward(self, tiles_NSS: Tensor) -> Tensor:
        """(N,L,L)."""
        blur_LS = self.get_buffer("blur_LS")
        return blur_LS @ tiles_NSS @ blur_LS.T


def blur_matrix(tile: int, cells: int, blur: float = BLUR) -> Tensor:
    """(L,S): weights that blur a row of pixels with a Gaussian and sample it at L even places.

    A row sums to sqrt(tile / cells) inside the tile, so that a line keeps its height as cells grow.
    """
    step = tile / cells
    place_L = (torch.arange(cells) + 0.5) * step - 0.5
    offset_LS = torch.arange(tile) - place_L.unsqueeze(1)
    weight_LS = (-0.5 * (offset_LS / (blur * step)).square()).exp()
    return weight_LS * math.sqrt(step) / (blur * step * math.sqrt(2 * math.pi))
