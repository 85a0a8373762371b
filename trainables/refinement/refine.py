"""What all refinements have in common: they change the logits of complete images."""

from collections.abc import Callable

from torch import Tensor

from trainables.config.inputs import InputName, bands_of

Refine = Callable[[Tensor, Tensor], Tensor]
"""Images (B,C,H,W) as the network receives them, and their logits (B,K,H,W), to logits (B,K,H,W) of
the refined prediction, on the same device."""


def of_images(refine: Refine, inputs: tuple[InputName, ...]) -> Refine:
    """The same for a network that receives these maps behind the bands of its images: refinement
    sees the images alone."""
    further = bands_of(inputs)
    if not further:
        return refine
    return lambda images_BCHW, logits_BKHW: refine(images_BCHW[:, :-further], logits_BKHW)
