"""A loss whose gradient was computed along with its value."""

from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def with_known_gradient(values: Tensor, total: Tensor, gradient: Tensor) -> Tensor:
    """The scalar ``total``, whose derivative by ``values`` is ``gradient``.

    For losses whose derivative is a by-product of their value. The backward pass needs nothing but
    the gradient, and returns that very buffer unless the graph is retained: on a CPU, new memory
    takes as long as half a cross-entropy. First derivatives only.

    Args:
        gradient: of the shape of ``values``; the caller must not use it afterwards.
    """
    result: Tensor = _KnownGradient.apply(values, total, gradient)
    return result


class _Context(Protocol):
    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _KnownGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, values: Tensor, total: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return total.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, upstream: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        if _graph_is_kept():
            return gradient * upstream, None, None
        return gradient.mul_(upstream), None, None


def _graph_is_kept() -> bool:
    """Whether a second backward pass may follow; yes if torch lacks this private function."""
    ask = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    return True if ask is None else bool(ask())
