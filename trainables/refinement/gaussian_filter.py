"""The sums over all pixels that a fully connected CRF needs, computed pair by pair.

Shape letters: N pixels, D features, K classes, P pixels of a block.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Filter = Callable[[Tensor], Tensor]
"""Values (N,K) to (N,K): at each pixel, the sum over all pixels, its own among them, of the values
times ``exp(-|difference of the features|^2 / 2)``."""

_BLOCK = 2**22
"""Pairs of pixels at a time: 32 MiB of float64."""


def exact_filter(features_ND: Tensor) -> Filter:
    """The filter of these features, every pair computed anew: N^2 of them.

    In float64: float32 has little left of the difference of two large squares, and exponentials
    below its normal range take a CPU several times as long.
    """
    features_ND = features_ND.double()
    squares_N = features_ND.square().sum(dim=1)
    rows = max(1, _BLOCK // len(features_ND))

    def sums(values_NK: Tensor) -> Tensor:
        double_NK = values_NK.double()
        sums_PK = [
            _weights(block_PD, own_P, features_ND, squares_N) @ double_NK
            for block_PD, own_P in zip(features_ND.split(rows), squares_N.split(rows), strict=True)
        ]
        return torch.cat(sums_PK).to(values_NK.dtype)

    return sums


def _weights(block_PD: Tensor, own_P: Tensor, features_ND: Tensor, squares_N: Tensor) -> Tensor:
    """(P,N): of each pixel of a block with every pixel, 1 with itself."""
    exponent_PN = torch.addmm(squares_N[None], block_PD, features_ND.T, beta=-0.5)
    return exponent_PN.sub_(own_P[:, None], alpha=0.5).clamp_(max=0).exp_()
