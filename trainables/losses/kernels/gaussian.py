"""A Gaussian blur by shifted sums, several times as fast on a CPU as a convolution of each channel.

Shape letters: B images, D channels, H rows, W columns.
"""

from math import ceil, exp

import torch
from torch import Tensor

_REACH = 3
"""Standard deviations after which it ends."""


def radius_of(sigma: float) -> int:
    """Pixels that a Gaussian reaches in each direction."""
    return ceil(_REACH * sigma)


def blurred(map_BDHW: Tensor, sigma: float) -> Tensor:
    """Each channel times a Gaussian whose weights sum to one; zero outside of the map."""
    found: Tensor = _Blur.apply(map_BDHW, sigma)
    return found


class _Blur(torch.autograd.Function):
    """Symmetric, so that its gradient is blurred like its value."""

    generate_vmap_rule = True

    @staticmethod
    def forward(map_BDHW: Tensor, sigma: float) -> Tensor:
        weights = [exp(-0.5 * (place / sigma) ** 2) for place in range(radius_of(sigma) + 1)]
        whole = 2 * sum(weights) - weights[0]
        weights = [weight / whole for weight in weights]
        return _along(_along(map_BDHW, weights, 2), weights, 3)

    @staticmethod
    def setup_context(
        ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, float], output: Tensor
    ) -> None:
        ctx.sigma = inputs[1]  # type: ignore[attr-defined]

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient_BDHW: Tensor
    ) -> tuple[Tensor, None]:
        return blurred(gradient_BDHW, ctx.sigma), None  # type: ignore[attr-defined]


def _along(map_BDHW: Tensor, weights: list[float], dim: int) -> Tensor:
    found, side = map_BDHW * weights[0], map_BDHW.shape[dim]
    for place, weight in enumerate(weights[1:side], start=1):
        first, last = (found.narrow(dim, begin, side - place) for begin in (0, place))
        first.add_(map_BDHW.narrow(dim, place, side - place), alpha=weight)
        last.add_(map_BDHW.narrow(dim, 0, side - place), alpha=weight)
    return found
