"""Images that are no photographs, normalised band by band before a network sees them.

Shape letters: B images, C bands, H rows, W columns.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables.config.pixels import RGB, Pixels

_EXTRA = "standardise._extra_state"
"""Its entry in the weights of a ``Segmenter``: what images the network was trained on."""


class Standardise(nn.Module):
    """Subtracts each band's mean and divides by its std, or leaves that to the backbone.

    The numbers are constants of the network: no optimiser and no average touches them, and they
    travel in its weights, so that whoever loads these normalises as the training did.
    """

    def __init__(self, pixels: Pixels) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """For images in the unit of their type: see ``Pixels``."""
        if not self.pixels.mean:
            return images_BCHW
        mean_C11, std_C11 = (
            images_BCHW.new_tensor(values).view(-1, 1, 1)
            for values in (self.pixels.mean, self.pixels.std)
        )
        return (images_BCHW - mean_C11) / std_C11

    def get_extra_state(self) -> Tensor:
        """Four rows of C: bits, means, stds and spans; without means these are NaN and stds 1."""
        pixels = self.pixels
        ones = [1.0] * pixels.bands
        rows = [
            [float(pixels.bits)] * pixels.bands,
            pixels.mean or [float("nan")] * pixels.bands,
            pixels.std or ones,
            pixels.span or ones,
        ]
        return torch.tensor(rows, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Raise a ValueError if the weights are of a network that was trained on other images."""
        own = self.get_extra_state()[:3]
        if not torch.equal(own.nan_to_num(), state[:3].cpu().nan_to_num()):
            raise ValueError("the weights are of a network that normalises its images otherwise")


def without_images(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights without what they say of the images that they were trained on."""
    return {name: value for name, value in state.items() if not name.endswith("_extra_state")}


def pixels_of(state: Mapping[str, Tensor]) -> Pixels:
    """The images that the network with these weights was trained on."""
    if _EXTRA not in state:
        return RGB
    bits_C, mean_C, std_C, span_C = state[_EXTRA].cpu()
    span = tuple(span_C.tolist())
    bands, bits = len(bits_C), int(bits_C[0])
    if mean_C.isnan().any():
        return Pixels(bands, bits, span=span)
    return Pixels(bands, bits, tuple(mean_C.tolist()), tuple(std_C.tolist()), span)
