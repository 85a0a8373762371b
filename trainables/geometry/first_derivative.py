"""Derivatives by hand that refuse to be differentiated again.

torch's ``once_differentiable`` is not enough: it lets a constant through where the upstream
gradient is a constant, and its error is not reached by ``torch.autograd.grad`` with given inputs.
A gradient penalty would then miss a term, and nothing would say so.
"""

import torch
from torch import Tensor


def anchor(values: Tensor) -> Tensor:
    """An empty tensor that depends on ``values`` and holds none of their memory.

    A function with a derivative by hand takes it beside ``values``, saves it, and gives it to
    ``first_derivative``.
    """
    return values[:0].clone()


def first_derivative(gradient: Tensor, *sources: Tensor) -> Tensor:
    """The result of a backward pass by hand; to differentiate it by a source raises.

    Args:
        gradient: computed under ``no_grad``.
        sources: what it depends on: upstream gradients, and anchors of the inputs.

    Raises:
        NotImplementedError: in the second backward pass, not here.
    """
    if not torch.is_grad_enabled():  # not create_graph=True: there is no second pass
        return gradient
    result: Tensor = _FirstDerivative.apply(gradient, *sources)
    return result


class _FirstDerivative(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, gradient: Tensor, *sources: Tensor) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: object, upstream: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError(
            "this loss has a first derivative only: leave it out of what is differentiated twice, "
            "such as a gradient penalty"
        )
