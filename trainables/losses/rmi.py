"""Region mutual information (RMI; Zhao, Wang, Yang and Cai, NeurIPS 2019), with its cross-entropy.

Shape letters: B images, K classes, H rows, W columns (h, w of a smaller map), D = 9 pixels of a
neighbourhood, N neighbourhoods.
"""

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.geometry.device import on_cpu
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import bands
from trainables.losses.term import LossTerm, of_no_image

Form = Literal["mixed", "added"]
Pool = Literal["average", "max", "resize"]

_SIDE = 3
"""Of a neighbourhood (R in the paper)."""
_PIXELS = _SIDE**2
_DIAGONAL = 5e-4
"""Added to the diagonals of covariances, so that they have an inverse."""


def rmi(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    share: float = 0.5,
    form: Form = "mixed",
    pool: Pool = "average",
    downsampling: int = 4,
    variant: Variant = "paper",
) -> LossTerm:
    """share BCE + (1 - share) RMI of each image; a pixel's classes are independent sigmoids.

    BCE is the binary cross-entropy, summed over classes and averaged over the image's valid pixels.
    RMI is the sum over classes of -I / 9, where I = -1/2 log det(C_y - C_yp C_p^-1 C_py) is a lower
    bound of the mutual information of the 3x3 neighbourhoods in the true mask y and in the
    probability p, after downsampling. Covariances are sums, with 5e-4 added on their diagonals; a
    class that an image lacks adds a constant. Void pixels are 0 in both maps. An image that is too
    small for one neighbourhood has no RMI.

    "paper" averages over images that are not all void. "released" divides the BCE by the batch's
    valid pixels plus 1, and so depends on the batch, and counts void images.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        share: of the BCE, in [0, 1].
        form: "added" is BCE + share RMI.
        pool: what makes maps smaller: the "average" or "max" of windows as wide as their stride, or
            "resize" (nearest for masks, bilinear for probabilities).
        downsampling: the stride, >= 1; 1 leaves maps as they are.

    Returns:
        The sum over images, and their number. A loss may be negative: the RMI of a class is
        log(5e-4) / 2 = -3.8 where the image lacks it, and log(1e-3) / 2 where it is found exactly.
    """
    require(0 <= share <= 1, "share", "in [0, 1]", share)
    require(form in ("mixed", "added"), "form", "'mixed' or 'added'", form)
    require(pool in ("average", "max", "resize"), "pool", "'average', 'max' or 'resize'", pool)
    require(downsampling >= 1, "downsampling", ">= 1", downsampling)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    if labels_BHW.numel() == 0:
        return of_no_image(logits_BKHW)
    pixels_B = (labels_BHW != VOID).sum(dim=(1, 2)).double()
    counted_B = pixels_B > 0
    if variant == "released":
        pixels_B = ((pixels_B.sum() + 1) / len(pixels_B)).expand(len(pixels_B))
        counted_B = torch.ones_like(counted_B)
    of_bce, of_rmi = (share, 1 - share) if form == "mixed" else (1.0, share)
    each_B = counted_B.double()
    with torch.no_grad():
        weight_B = of_bce * each_B / pixels_B.clamp(min=1)
        total, gradient_BKHW = _cross_entropies(logits_BKHW, labels_BHW, weight_B)
        if of_rmi > 0:
            given = logits_BKHW, labels_BHW, of_rmi * each_B, pool, downsampling
            total += _add_regions(gradient_BKHW, *given)
    value = with_known_gradient(logits_BKHW, total.to(logits_BKHW.dtype), gradient_BKHW)
    return LossTerm(value, counted_B.sum())


def _cross_entropies(
    logits_BKHW: Tensor, labels_BHW: Tensor, weight_B: Tensor
) -> tuple[Tensor, Tensor]:
    """The weighted sum of log(1 + e^x) - x y over valid pixels, and its derivative."""
    gradient_BKHW = torch.empty_like(logits_BKHW)
    total = weight_B.new_zeros((), dtype=torch.float64)
    for image, band in bands(logits_BKHW):
        logits, labels = logits_BKHW[image, :, band], labels_BHW[image, band].unsqueeze(1)
        valid, own = labels != VOID, labels.masked_fill(labels == VOID, 0)
        weight = (weight_B[image].view(-1, 1, 1, 1) * valid).to(logits.dtype)
        error = F.softplus(logits).sum(dim=1, keepdim=True, dtype=torch.float64)
        total += ((error - logits.gather(1, own)) * weight).sum()
        slope = logits.sigmoid().scatter_add_(1, own, -valid.to(logits.dtype))
        gradient_BKHW[image, :, band] = slope.mul_(weight)
    return total, gradient_BKHW


def _add_regions(
    gradient_BKHW: Tensor,
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    weight_B: Tensor,
    pool: Pool,
    stride: int,
) -> Tensor:
    """The weighted sum of the losses of regions; its derivative is added to ``gradient``."""
    total = weight_B.new_zeros((), dtype=torch.float64)
    for image, planes in _planes(logits_BKHW):
        prob = logits_BKHW[image, planes].sigmoid()
        valid = (labels_BHW[image] != VOID).unsqueeze(1).to(prob.dtype)
        mask = _masks(labels_BHW[image], planes, prob)
        found, slope = _with_slope(prob * valid, mask, pool, stride)
        total += (weight_B[image, None] * found).sum()
        slope = slope * valid * prob * (1 - prob)
        weight = weight_B[image].to(prob.dtype).view(-1, 1, 1, 1)
        gradient_BKHW[image, planes].addcmul_(slope, weight)
    return total


def _planes(maps_BKHW: Tensor) -> Iterator[tuple[slice, slice]]:
    """Slices (images, classes): on a CPU one map at a time, in its caches."""
    images, classes = maps_BKHW.shape[:2]
    if not on_cpu(maps_BKHW):
        yield from ((slice(image, image + 1), slice(0, classes)) for image in range(images))
        return
    for image in range(images):
        yield from ((slice(image, image + 1), slice(k, k + 1)) for k in range(classes))


def _with_slope(
    prob_BKHW: Tensor, true_BKHW: Tensor, pool: Pool, stride: int
) -> tuple[Tensor, Tensor]:
    """float64 (B,K) the loss of regions of each map, and (B,K,H,W) its derivative by ``prob``."""
    leaf = prob_BKHW.detach().requires_grad_()
    with torch.enable_grad():
        prob_BKhw, true_BKhw = _smaller(leaf, true_BKHW, pool, stride)
    if min(prob_BKhw.shape[-2:]) < _SIDE:
        none_BK = prob_BKhw.new_zeros(prob_BKhw.shape[:2], dtype=torch.float64)
        return none_BK, torch.zeros_like(prob_BKHW)
    found_BK, slope_BKhw = _of_regions(prob_BKhw.detach(), true_BKhw)
    (slope_BKHW,) = torch.autograd.grad(prob_BKhw, leaf, slope_BKhw.to(prob_BKhw.dtype))
    return found_BK, slope_BKHW


def _masks(labels_BHW: Tensor, planes: slice, like_BKHW: Tensor) -> Tensor:
    """(B,K,H,W): 1 at the pixels of these classes, else 0."""
    numbers_K = torch.arange(planes.start, planes.stop, device=labels_BHW.device)
    return (labels_BHW.unsqueeze(1) == numbers_K[:, None, None]).to(like_BKHW.dtype)


def _smaller(
    prob_BKHW: Tensor, true_BKHW: Tensor, pool: Pool, stride: int
) -> tuple[Tensor, Tensor]:
    if stride == 1:
        return prob_BKHW, true_BKHW
    if pool == "resize":
        size = [side // stride for side in prob_BKHW.shape[-2:]]
        if min(size) == 0:
            return prob_BKHW[..., :0, :0], true_BKHW[..., :0, :0]
        prob_BKhw = F.interpolate(prob_BKHW, size, mode="bilinear", align_corners=True)
        return prob_BKhw, F.interpolate(true_BKHW, size, mode="nearest")
    pooled = F.avg_pool2d if pool == "average" else F.max_pool2d
    window = stride, stride, stride // 2
    return pooled(prob_BKHW, *window), pooled(true_BKHW, *window)


def _of_regions(prob_BKhw: Tensor, true_BKhw: Tensor) -> tuple[Tensor, Tensor]:
    """float64 (B,K): -I / 9, and (B,K,h,w) its derivative by ``prob``."""
    windows = [*_windows(prob_BKhw.double()), *_windows(true_BKhw.double())]
    both_BKDN = torch.stack(windows, dim=2).flatten(3)
    both_BKDN -= both_BKDN.mean(dim=3, keepdim=True)
    joint_BKDD = (both_BKDN @ both_BKDN.mT).requires_grad_()
    with torch.enable_grad():
        found_BK = _log_determinant(joint_BKDD) / (2 * _PIXELS)
        (slope_BKDD,) = torch.autograd.grad(found_BK.sum(), joint_BKDD)
    of_prob_BKDD = (slope_BKDD + slope_BKDD.mT)[:, :, :_PIXELS]
    # The mean that was taken off adds nothing, as what remains of each row sums to 0.
    slope_BKDN = of_prob_BKDD @ both_BKDN
    slope_BKhw = torch.zeros_like(prob_BKhw, dtype=torch.float64)
    for window, slope_BKN in zip(_windows(slope_BKhw), slope_BKDN.unbind(dim=2), strict=True):
        window += slope_BKN.view_as(window)
    return found_BK.detach(), slope_BKhw


def _log_determinant(joint_BKDD: Tensor) -> Tensor:
    """(B,K): of the covariance of y without what p tells of it, from that of (p, y).

    That of a Schur complement is in the last diagonal entries of the joint matrix's Cholesky
    factor, which always exists, where an inverse would lose the small diagonal.
    """
    size = joint_BKDD.shape[-1]
    diagonal = _DIAGONAL * torch.eye(size, dtype=joint_BKDD.dtype, device=joint_BKDD.device)
    # Without a check of its success, for which the host would wait.
    factor_BKD = torch.linalg.cholesky_ex(joint_BKDD + diagonal).L.diagonal(dim1=2, dim2=3)
    return 2 * factor_BKD[..., size // 2 :].log().sum(dim=2)


def _windows(map_BKhw: Tensor) -> list[Tensor]:
    """Views (B,K,h-2,w-2): each of the pixels of a neighbourhood, at all places."""
    rows, columns = (side - _SIDE + 1 for side in map_BKhw.shape[-2:])
    places = [(y, x) for y in range(_SIDE) for x in range(_SIDE)]
    return [map_BKhw[..., y : y + rows, x : x + columns] for y, x in places]
