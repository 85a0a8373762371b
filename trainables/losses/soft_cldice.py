"""Soft clDice (Shit et al., CVPR 2021): does the prediction keep the true centrelines?

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.geometry.device import on_cpu
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.class_sums import from_class, mean_over_images
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.row_bands import through_softmax
from trainables.losses.term import LossTerm, of_no_image

_SMOOTH = 1.0
_RELEASED_ITERATIONS = 10
_COLUMN, _ROW, _SQUARE = (3, 1), (1, 3), (3, 3)


def soft_cldice(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    iterations: int = 3,
    classes: RegionClasses = "all",
    variant: Variant = "paper",
) -> LossTerm:
    """1 - 2 T_prec T_sens / (T_prec + T_sens) of each class in each image that has it (Eq. 1, 2).

    T_prec is the share of the prediction's soft skeleton that lies in the true mask, T_sens that of
    the true skeleton in the prediction; each has 1 added to both of its sums. The paper adds the
    loss to soft Dice, as alpha clDice + (1 - alpha) Dice: two weights here. "paper" averages over
    the classes of an image, then over images; "released" pools images and classes into one ratio
    and always makes 10 iterations. Void pixels are outside both masks.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        iterations: the widest radius, in pixels, that is thinned to a line; >= 0.
        classes: "foreground" leaves out class 0, as a thin structure's background has no line.

    Returns:
        The sum over images, each in [0, 1], and their number; "released": the loss and 1.
    """
    require(iterations >= 0, "iterations", ">= 0", iterations)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW, first = full_precision(logits_BKHW), first_class(classes)
    if labels_BHW.numel() == 0:
        return of_no_image(logits_BKHW)
    true_BKHW = one_hot(labels_BHW, logits_BKHW.shape[1])
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1)
    if variant == "released":
        prob_BKHW = (logits_BKHW.softmax(dim=1) * valid_B1HW)[:, first:]
        over = (0, 1, 2, 3)
        loss = _losses(prob_BKHW, true_BKHW[:, first:], _RELEASED_ITERATIONS, over)
        return LossTerm(loss, torch.ones_like(loss))
    counted_BK = from_class(first, true_BKHW.any(dim=(2, 3)))
    with torch.no_grad():
        prob_BKHW = logits_BKHW.softmax(dim=1) * valid_B1HW
        loss_BK, slope_BKHW = _by_plane(prob_BKHW, true_BKHW, counted_BK, iterations)
        slope_BKHW /= counted_BK.sum(dim=1).clamp(min=1).view(-1, 1, 1, 1)
        through_softmax(prob_BKHW, slope_BKHW)
        term = mean_over_images(loss_BK, counted_BK)
    return LossTerm(with_known_gradient(logits_BKHW, term.total, slope_BKHW), term.count)


def _by_plane(
    prob_BKHW: Tensor, true_BKHW: Tensor, counted_BK: Tensor, iterations: int
) -> tuple[Tensor, Tensor]:
    """(B,K) the loss of each class in each image, and (B,K,H,W) its derivative by the map.

    Graphs of skeletons are large, so there is one at a time: of an image's classes together, and
    on a CPU of each class that counts, in its caches.
    """
    loss_BK, slope_BKHW = prob_BKHW.new_zeros(counted_BK.shape), torch.zeros_like(prob_BKHW)
    for image, planes in _planes(counted_BK):
        with torch.enable_grad():
            leaf = prob_BKHW[image, planes].detach().requires_grad_()
            loss = _losses(leaf, true_BKHW[image, planes], iterations, (2, 3))
            loss = loss * counted_BK[image, planes]
            (slope_BKHW[image, planes],) = torch.autograd.grad(loss.sum(), leaf)
        loss_BK[image, planes] = loss.detach()
    return loss_BK, slope_BKHW


def _planes(counted_BK: Tensor) -> Iterator[tuple[slice, slice]]:
    if not on_cpu(counted_BK):
        yield from ((slice(image, image + 1), slice(None)) for image in range(len(counted_BK)))
        return
    for image, klass in counted_BK.nonzero().tolist():
        yield slice(image, image + 1), slice(klass, klass + 1)


def _losses(prob_BKHW: Tensor, true_BKHW: Tensor, iterations: int, over: tuple[int, ...]) -> Tensor:
    """1 - soft clDice of sums over these dimensions."""
    true_BKHW = true_BKHW.to(prob_BKHW.dtype)
    with torch.no_grad():
        true_skeleton_BKHW = soft_skeleton(true_BKHW, iterations)
    precision = _share(soft_skeleton(prob_BKHW, iterations), true_BKHW, over)
    sensitivity = _share(true_skeleton_BKHW, prob_BKHW, over)
    return 1 - 2 * precision * sensitivity / (precision + sensitivity)


def soft_skeleton(map_BKHW: Tensor, iterations: int) -> Tensor:
    """(B,K,H,W): the centrelines of maps in [0, 1], by repeated opening (Algorithm 1)."""
    skeleton_BKHW = torch.zeros_like(map_BKHW)
    for _ in range(iterations + 1):
        eroded_BKHW = _eroded(map_BKHW)
        rest_BKHW = F.relu(map_BKHW - _largest(eroded_BKHW, _SQUARE))
        skeleton_BKHW = skeleton_BKHW + F.relu(rest_BKHW - skeleton_BKHW * rest_BKHW)
        map_BKHW = eroded_BKHW
    return skeleton_BKHW


def _share(of_BKHW: Tensor, within_BKHW: Tensor, over: tuple[int, ...]) -> Tensor:
    inside = (of_BKHW * within_BKHW).sum(dim=over)
    return (inside + _SMOOTH) / (of_BKHW.sum(dim=over) + _SMOOTH)


def _eroded(map_BKHW: Tensor) -> Tensor:
    """The least of a pixel and its four neighbours."""
    negative_BKHW = -map_BKHW
    return -torch.maximum(_largest(negative_BKHW, _COLUMN), _largest(negative_BKHW, _ROW))


def _largest(map_BKHW: Tensor, window: tuple[int, int]) -> Tensor:
    if map_BKHW.requires_grad:
        return F.max_pool2d(map_BKHW, window, 1, (window[0] // 2, window[1] // 2))
    for axis in (2, 3):  # without a gradient, in a tenth of the time on a CPU
        length = map_BKHW.shape[axis] - 1
        if window[axis - 2] == 3 and length > 0:
            one_BKHW, map_BKHW = map_BKHW, map_BKHW.clone()
            for to, of in ((0, 1), (1, 0)):
                part_BKHW = map_BKHW.narrow(axis, to, length)
                torch.maximum(part_BKHW, one_BKHW.narrow(axis, of, length), out=part_BKHW)
    return map_BKHW
