"""Soft clDice (Shit et al., CVPR 2021): does the prediction keep the true centrelines?

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import RegionClasses, check_inputs, first_class, full_precision
from trainables.losses.kernels.class_sums import from_class, mean_over_images
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
    released = variant == "released"
    steps = _RELEASED_ITERATIONS if released else iterations
    prob_BKHW = logits_BKHW.softmax(dim=1) * (labels_BHW != VOID).unsqueeze(1)
    true_BKHW = one_hot(labels_BHW, logits_BKHW.shape[1]).to(prob_BKHW.dtype)
    prob_BKHW, true_BKHW = prob_BKHW[:, first:], true_BKHW[:, first:]
    with torch.no_grad():
        true_skeleton_BKHW = soft_skeleton(true_BKHW, steps)
    skeleton_BKHW = soft_skeleton(prob_BKHW, steps)
    over = (0, 1, 2, 3) if released else (2, 3)
    precision = _share(skeleton_BKHW, true_BKHW, over)
    sensitivity = _share(true_skeleton_BKHW, prob_BKHW, over)
    loss = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    if released:
        return LossTerm(loss, torch.ones_like(loss))
    return mean_over_images(loss, from_class(0, true_BKHW.any(dim=(2, 3))))


def soft_skeleton(map_BKHW: Tensor, iterations: int) -> Tensor:
    """(B,K,H,W): the centrelines of maps in [0, 1], by repeated opening (Algorithm 1)."""
    skeleton_BKHW = F.relu(map_BKHW - _opened(map_BKHW))
    for _ in range(iterations):
        map_BKHW = _eroded(map_BKHW)
        rest_BKHW = F.relu(map_BKHW - _opened(map_BKHW))
        skeleton_BKHW = skeleton_BKHW + F.relu(rest_BKHW - skeleton_BKHW * rest_BKHW)
    return skeleton_BKHW


def _share(of_BKHW: Tensor, within_BKHW: Tensor, over: tuple[int, ...]) -> Tensor:
    inside = (of_BKHW * within_BKHW).sum(dim=over)
    return (inside + _SMOOTH) / (of_BKHW.sum(dim=over) + _SMOOTH)


def _opened(map_BKHW: Tensor) -> Tensor:
    return _largest(_eroded(map_BKHW), _SQUARE)


def _eroded(map_BKHW: Tensor) -> Tensor:
    """The least of a pixel and its four neighbours."""
    return torch.minimum(-_largest(-map_BKHW, _COLUMN), -_largest(-map_BKHW, _ROW))


def _largest(map_BKHW: Tensor, window: tuple[int, int]) -> Tensor:
    return F.max_pool2d(map_BKHW, window, 1, (window[0] // 2, window[1] // 2))
