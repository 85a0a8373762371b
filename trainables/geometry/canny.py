"""Canny's edges of images (Canny, TPAMI 1986), as OpenCV finds them.

Shape letters: B images, C channels, H rows, W columns.
"""

import numpy as np
import torch
from torch import Tensor

LOW, HIGH = 10, 100
"""Thresholds of the gradient, |dx| + |dy| of a Sobel filter of 8-bit values, as in GSCNN's code."""


def eight_bit(images_BCHW: Tensor) -> Tensor:
    """uint8 of images in [0,1], rounded; what is outside is clipped."""
    return (images_BCHW * 255).round().clamp(0, 255).to(torch.uint8)


def canny_edges(images_BCHW: Tensor) -> Tensor:
    """float32 (B,H,W): 1 on an edge, else 0. Images on a GPU are copied to the CPU for it.

    Args:
        images_BCHW: uint8; of several channels the one with the largest gradient counts, pixel by
            pixel.
    """
    if images_BCHW.is_meta:
        return images_BCHW[:, 0].float()
    if torch.compiler.is_compiling():  # a call between two graphs
        outside: Tensor = torch.compiler.disable(_canny_edges)(images_BCHW)
        return outside
    return _canny_edges(images_BCHW)


def _canny_edges(images_BCHW: Tensor) -> Tensor:
    import cv2  # GSCNN alone needs it, and the catalogue of networks imports this file

    images_BHWC = images_BCHW.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    edges_BHW = np.stack([cv2.Canny(image_HWC, LOW, HIGH) for image_HWC in images_BHWC])
    return torch.from_numpy(edges_BHW).to(images_BCHW.device).float() / 255
