"""GSCNN's dual-task loss (Takikawa et al., ICCV 2019): predicted boundaries against true ones.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.gaussian import blurred, radius_of
from trainables.losses.term import LossTerm, of_no_image

_LEAST = 1e-6
"""Added to a square below its root, whose slope would have no bound at zero."""
_TAU = 0.5
"""The released temperature."""


def dual_task(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    sigma: float = 2.0,
    variant: Variant = "paper",
    gumbel_BKHW: Tensor | None = None,
) -> LossTerm:
    """Mean |zeta - zeta'| near boundaries (Sec. 3.2), zeta' that of the true classes.

    zeta = |grad(G * c)| / sqrt(2), the norm over both directions and all classes: c is a map of
    each class, G a Gaussian, the gradient half the difference of both neighbours. The paper has c
    as the arg max, with the gradient of a Gumbel-softmax, whose noise differs at every call. Here c
    is the softmax, the expectation of the arg max with Gumbel noise, which needs no noise. Void
    pixels and the outside are left out of the Gaussian's means. Near boundaries are the valid
    pixels from which the filters reach two predicted or two true classes: where either zeta of the
    paper is not zero.

    "released" has no spatial gradient and no Gaussian: the mean over all pixels and classes of
    |A / max A - A' / max A'|, A = sqrt(2 c^2 + 1e-6), maxima over the batch, c a Gumbel-softmax of
    temperature 0.5. Void counts as class 0, predicted evenly.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        sigma: of the Gaussian, in pixels. 2 has the variance of the triangle that the released code
            names and skips.
        gumbel_BKHW: noise of "released"; None: none, so that one call is like another.

    Returns:
        The sum over pixels near boundaries, each from 0 to about 1 / (2 sqrt(2)), and their number;
        "released": the loss and 1.
    """
    require(0 < sigma < float("inf"), "sigma", "a finite number > 0", sigma)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    if labels_BHW.numel() == 0:
        return of_no_image(logits_BKHW)
    if variant == "released":
        return _released(logits_BKHW, labels_BHW, gumbel_BKHW)
    valid_BHW = labels_BHW != VOID
    near_BHW = near_boundaries(logits_BKHW, labels_BHW, radius_of(sigma) + 1)
    weight_B1HW = valid_BHW.unsqueeze(1).to(logits_BKHW.dtype)
    share_B1HW = blurred(weight_B1HW, sigma)
    true_BKHW = one_hot(labels_BHW, logits_BKHW.shape[1]).to(logits_BKHW.dtype)
    true_BHW = _zeta(true_BKHW, share_B1HW, sigma)
    found_BHW = _zeta(logits_BKHW.softmax(dim=1) * weight_B1HW, share_B1HW, sigma)
    difference_BHW = (found_BHW - true_BHW).abs()
    return LossTerm((difference_BHW * near_BHW).sum(), near_BHW.sum())


def near_boundaries(logits_BKHW: Tensor, labels_BHW: Tensor, reach: int) -> Tensor:
    """Bool (B,H,W): valid pixels with two classes, predicted or true, in the square around them."""
    valid_BHW = labels_BHW != VOID
    largest_BHW = logits_BKHW.detach().max(dim=1).indices  # faster than argmax on a CPU
    near = [_has_two(map_BHW, valid_BHW, reach) for map_BHW in (labels_BHW, largest_BHW)]
    return (near[0] | near[1]) & valid_BHW


def _has_two(classes_BHW: Tensor, valid_BHW: Tensor, reach: int) -> Tensor:
    classes_BHW = classes_BHW.float()
    ends = [torch.where(valid_BHW, sign * classes_BHW, -VOID) for sign in (1, -1)]
    side = 2 * reach + 1
    pooled = F.max_pool2d(torch.stack(ends, dim=1), (side, 1), stride=1, padding=(reach, 0))
    pooled = F.max_pool2d(pooled, (1, side), stride=1, padding=(0, reach))
    return pooled[:, 0] > -pooled[:, 1]


def _zeta(map_BKHW: Tensor, share_B1HW: Tensor, sigma: float) -> Tensor:
    """(B,H,W): how strong a boundary is, less its value where there is none.

    Args:
        map_BKHW: of each class; zero where void.
        share_B1HW: the Gaussian's weight on valid pixels.
        sigma: of the Gaussian.
    """
    known_B1HW = share_B1HW > 0
    mean_BKHW = blurred(map_BKHW, sigma) / torch.where(known_B1HW, share_B1HW, 1)
    padded_BKHW = F.pad(mean_BKHW, (1, 1, 1, 1), mode="replicate")
    down_BKHW = (padded_BKHW[..., 2:, 1:-1] - padded_BKHW[..., :-2, 1:-1]) / 2
    right_BKHW = (padded_BKHW[..., 1:-1, 2:] - padded_BKHW[..., 1:-1, :-2]) / 2
    square_BHW = (down_BKHW.square() + right_BKHW.square()).sum(dim=1) / 2
    zeta_BHW: Tensor = (square_BHW + _LEAST).sqrt() - _LEAST**0.5
    return zeta_BHW


def _released(logits_BKHW: Tensor, labels_BHW: Tensor, gumbel_BKHW: Tensor | None) -> LossTerm:
    void_BHW = labels_BHW == VOID
    true_BKHW = one_hot(labels_BHW.masked_fill(void_BHW, 0), logits_BKHW.shape[1])
    noisy_BKHW = logits_BKHW.masked_fill(void_BHW.unsqueeze(1), 0)
    if gumbel_BKHW is not None:
        noisy_BKHW = noisy_BKHW + gumbel_BKHW
    maps = (noisy_BKHW / _TAU).softmax(dim=1), true_BKHW.to(logits_BKHW.dtype)
    found, true = (_share_of_largest((2 * map_.square() + _LEAST).sqrt()) for map_ in maps)
    loss = (found - true).abs().mean()
    return LossTerm(loss, torch.ones_like(loss))


def _share_of_largest(map_BKHW: Tensor) -> Tensor:
    return map_BKHW / map_BKHW.max()
