"""What all refinements have in common: they change the logits of complete images."""

from collections.abc import Callable

from torch import Tensor

Refine = Callable[[Tensor, Tensor], Tensor]
"""Images (B,C,H,W) as the network receives them, and their logits (B,K,H,W), to logits (B,K,H,W) of
the refined prediction, on the same device."""
