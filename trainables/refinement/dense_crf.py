"""A fully connected CRF over a network's probabilities, by mean field.

Krähenbühl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials",
NIPS 2011. Its pairwise energy (Eq. 3) is a Potts model with two kernels: of positions and colours
(appearance) and of positions alone (smoothness).

Shape letters: B images, C colours, H rows, W columns, K classes, N = H * W pixels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.config.refine import DenseCRFConfig
from trainables.refinement.gaussian_filter import Filter, exact_filter
from trainables.refinement.lattice_filter import lattice_filter
from trainables.refinement.refine import Refine

_LEAST = 1e-5
"""Of a probability, as in the released code: one class alone would else be certain."""
_FULL = 255.0
"""The colours' unit: that of bytes."""


class Kernel(NamedTuple):
    """A Gaussian kernel of the pairwise energy."""

    weight: float
    filter: Filter


def dense_crf(config: DenseCRFConfig) -> Refine:
    """The refinement of this energy."""

    def refine(images_BCHW: Tensor, logits_BKHW: Tensor) -> Tensor:
        refined = [
            mean_field(logits_KHW.flatten(1).T, kernels_of(config, image_CHW), config)
            for image_CHW, logits_KHW in zip(images_BCHW, logits_BKHW, strict=True)
        ]
        return torch.stack(refined).mT.reshape(logits_BKHW.shape)

    return refine


def kernels_of(config: DenseCRFConfig, image_CHW: Tensor) -> list[Kernel]:
    """Those of an image in [0,1] whose weight is not 0."""
    make = exact_filter if config.filter == "exact" else lattice_filter
    place_N2 = _places(image_CHW)
    colour_NC = (image_CHW.flatten(1).T * _FULL).round() / config.appearance_srgb
    alike_ND = torch.cat([place_N2 / config.appearance_sxy, colour_NC], dim=1)
    near_N2 = place_N2 / config.smoothness_sxy
    weighted = (config.smoothness_weight, near_N2), (config.appearance_weight, alike_ND)
    return [Kernel(weight, make(features_ND)) for weight, features_ND in weighted if weight]


def _places(image_CHW: Tensor) -> Tensor:
    """(N,2): the column and the row of each pixel."""
    row_H, column_W = (torch.arange(side).to(image_CHW) for side in image_CHW.shape[1:])
    return torch.cartesian_prod(row_H, column_W).flip(1)


def mean_field(logits_NK: Tensor, kernels: Sequence[Kernel], config: DenseCRFConfig) -> Tensor:
    """The logarithms (N,K) of the classes' probabilities after ``steps`` updates of Algorithm 1.

    ``released``: each kernel is normalised on both sides by the roots of its sums, and a pixel
    hears itself, too. ``paper``: neither, as in Eq. 4 and Algorithm 1.
    """
    unary_NK = logits_NK.softmax(dim=1).clamp(min=_LEAST).log()
    log_NK = unary_NK.log_softmax(dim=1)
    ones_N1 = torch.ones_like(unary_NK[:, :1])
    released = config.variant == "released"
    norms = [kernel.filter(ones_N1).rsqrt() if released else ones_N1 for kernel in kernels]
    for _ in range(config.steps):
        probability_NK, log_NK = log_NK.exp(), unary_NK
        for kernel, norm_N1 in zip(kernels, norms, strict=True):
            heard_NK = norm_N1 * kernel.filter(norm_N1 * probability_NK)
            own_NK = 0 if released else probability_NK
            log_NK = log_NK + kernel.weight * (heard_NK - own_NK)
        log_NK = log_NK.log_softmax(dim=1)
    return log_NK
