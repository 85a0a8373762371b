"""Colour jitter of a training image, by torchvision's v2 functions."""

from numpy.random import Generator
from torch import Tensor

from trainables.data.dataset import DataError

_FACTOR, _HUE = 0.8, 0.2
"""SimCLR (Chen et al., 2020), appendix A: ColorJitter(0.8 s, 0.8 s, 0.8 s, 0.2 s); brightness has a
field of its own here."""


def color_jitter(image_CHW: Tensor, strength: float, random: Generator) -> Tensor:
    """Change contrast, saturation and hue, in this order; uint8 (3,H,W) to the same.

    Args:
        strength: s, 0 .. 1: factors from 1 - 0.8 s to 1 + 0.8 s, hue by up to 0.2 s of a turn.

    Raises:
        DataError: the image is no RGB image of 8 bits, which has no hue.
    """
    if image_CHW.shape[0] != 3 or image_CHW.element_size() != 1:
        raise DataError(
            f"data/color_jitter must be 0 for images that are not RGB of 8 bits, got {strength:g} "
            f"for {image_CHW.shape[0]} bands of {str(image_CHW.dtype).removeprefix('torch.')}"
        )
    from torchvision.transforms.v2 import functional as vision  # takes seconds to import

    contrast, saturation = 1 + _FACTOR * strength * random.uniform(-1, 1, 2)
    image_CHW = vision.adjust_contrast(image_CHW, contrast)
    image_CHW = vision.adjust_saturation(image_CHW, saturation)
    return vision.adjust_hue(image_CHW, _HUE * strength * random.uniform(-1, 1))
