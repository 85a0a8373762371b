"""A loss whose gradient was computed along with its value."""

from typing import Protocol

import torch
from torch import Tensor

from trainables.geometry.first_derivative import anchor, first_derivative


def with_known_gradient(values: Tensor, total: Tensor, gradient: Tensor) -> Tensor:
    """The scalar ``total``, whose derivative by ``values`` is ``gradient``.

    For losses whose derivative is a by-product of their value. The backward pass needs nothing but
    the gradient, and returns that very buffer unless the graph is retained: on a CPU, new memory
    takes as long as half a cross-entropy. A second derivative raises ``NotImplementedError``.

    Args:
        values: of one dimension or more.
        gradient: of the shape of ``values``; the caller must not use it afterwards.
    """
    result: Tensor = _KnownGradient.apply(values, anchor(values), total, gradient)
    return result


class _Context(Protocol):
    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _KnownGradient(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _Context, values: Tensor, origin: Tensor, total: Tensor, gradient: Tensor
    ) -> Tensor:
        ctx.save_for_backward(gradient, origin)
        return total.clone()

    @staticmethod
    def backward(ctx: _Context, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        gradient, origin = ctx.saved_tensors
        with torch.no_grad():
            scaled = gradient * upstream if _graph_is_kept() else gradient.mul_(upstream)
        return first_derivative(scaled, origin, upstream), None, None, None


def _graph_is_kept() -> bool:
    """Whether a second backward pass may follow; yes if torch lacks this private function."""
    ask = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    return True if ask is None else bool(ask())
