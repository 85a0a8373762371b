"""What all refinements have in common: they change the logits of complete images."""

from collections.abc import Callable, Sequence

from torch import Tensor

from trainables.config.inputs import InputName, bands_of

Refine = Callable[[Tensor, Tensor], Tensor]
"""Images (B,C,H,W) as the network receives them, and their logits (B,K,H,W), to logits (B,K,H,W) of
the refined prediction, on the same device."""


def of_image(refine: Refine, inputs: Sequence[InputName]) -> Refine:
    """A refinement that sees the image alone, where a network receives maps behind its bands.

    Depth is no colour for a CRF, and SegFix's network is trained on images.
    """
    maps = bands_of(tuple(inputs))
    if not maps:
        return refine

    def refined(images_BCHW: Tensor, logits_BKHW: Tensor) -> Tensor:
        return refine(images_BCHW[:, : images_BCHW.shape[1] - maps], logits_BKHW)

    return refined
