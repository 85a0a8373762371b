"""Lovasz extension of the Jaccard loss (Berman, Triki and Blaschko, CVPR 2018).

Shape letters: B images, K classes, H rows, W columns, G groups (images, or the batch), M maps whose
pixels are ranked (one for each group and class), P pixels of a map.
"""

from collections.abc import Sequence
from numbers import Integral
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.geometry.device import on_cpu
from trainables.losses.inputs import (
    check_inputs,
    check_labels,
    check_logits,
    check_map,
    full_precision,
)
from trainables.losses.kernels.known_gradient import with_known_gradient
from trainables.losses.kernels.lovasz_ranking import Ranking
from trainables.losses.kernels.row_bands import through_softmax
from trainables.losses.term import LossTerm

Classes = Literal["present", "all"] | Sequence[int]


def lovasz_softmax(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    classes: Classes = "present",
    per_image: bool = True,
    variant: Variant = "paper",
) -> LossTerm:
    """Lovasz-softmax: a surrogate of 1 - IoU, averaged over classes ("IoU" of IABL, Eq. 6).

    By default each image is a group of its own, so two ranks give the same as one: the sum over the
    images with a valid pixel, and their number. ``per_image=False`` ranks the pixels of the batch
    together, as the released code does by default; then a rank's batch is a group, and the value
    depends on how images are distributed over ranks. (With ``per_image`` the released code fails on
    an image without valid pixels; here it is left out.)

    Args:
        logits_BKHW: float, before the softmax.
        labels_BHW: int64, 0..K-1 or 255; void pixels are left out.
        classes: what to average over: those "present" in the group, "all", or a list of
            different classes.
        per_image: rank the pixels within each image.
        variant: "released" only breaks ties differently; see ``Ranking``.
    """
    check_inputs(logits_BKHW, labels_BHW)
    settings = _settings(classes, logits_BKHW.shape[1], variant)
    logits_BKHW = full_precision(logits_BKHW)
    with torch.no_grad():
        total, gradient_BKHW, count = _value_and_gradient(
            logits_BKHW, labels_BHW, settings, per_image
        )
    return LossTerm(with_known_gradient(logits_BKHW, total, gradient_BKHW), count)


def lovasz_hinge(
    logits_BHW: Tensor,
    labels_BHW: Tensor,
    *,
    per_image: bool = True,
    variant: Variant = "paper",
) -> LossTerm:
    """Binary Lovasz hinge on one logit a pixel, whose sign is the prediction.

    Groups are those of ``lovasz_softmax``. "released" includes images without valid pixels in the
    mean, and breaks ties differently; "paper" leaves such images out.

    Args:
        logits_BHW: float.
        labels_BHW: int64, 1 (foreground), 0 or 255.
    """
    check_map("labels_BHW", labels_BHW, torch.int64, tuple(logits_BHW.shape))
    check_logits("logits_BHW", logits_BHW, tuple(labels_BHW.shape))
    require(labels_BHW.dim() == 3, "labels_BHW", "of shape (B,H,W)", tuple(labels_BHW.shape))
    if on_cpu(labels_BHW):
        check_labels(labels_BHW, num_classes=2)
    logits_BHW = full_precision(logits_BHW)
    with torch.no_grad():
        group = _by_image if per_image else _together
        valid_GP = group(labels_BHW != VOID)
        truth_GP = group(labels_BHW == 1).to(logits_BHW.dtype)
        sign_GP = truth_GP * 2 - 1
        error_GP = 1 - group(logits_BHW) * sign_GP
        weight_GP = torch.zeros_like(error_GP)
        # Images differ in their valid pixels, which a Ranking shares; so one image at a time.
        for at, valid_P in enumerate(valid_GP):
            here = slice(at, at + 1)
            ranking = Ranking(valid_P, error_GP.dtype, variant)
            weight_GP[here] = ranking.weights(error_GP[here], truth_GP[here])
        total = (error_GP.clamp(min=0) * weight_GP).sum()
        gradient_BHW = (-sign_GP * weight_GP * (error_GP > 0)).reshape(logits_BHW.shape)
        kept_G = valid_GP.any(dim=1)
        count = kept_G.sum() if variant == "paper" else torch.ones_like(kept_G).sum()
    return LossTerm(with_known_gradient(logits_BHW, total, gradient_BHW), count)


def _by_image(map_BHW: Tensor) -> Tensor:
    return map_BHW.flatten(1)


def _together(map_BHW: Tensor) -> Tensor:
    return map_BHW.reshape(1, -1)


class _Settings(NamedTuple):
    wanted: list[int]
    present_only: bool
    variant: Variant


def _settings(classes: Classes, num_classes: int, variant: Variant) -> _Settings:
    if isinstance(classes, str):
        known = classes in ("present", "all")
        require(known, "classes", "'present', 'all' or a list", classes)
        return _Settings(list(range(num_classes)), classes == "present", variant)
    wanted = list(classes)
    # A class given twice would count twice, and a mask of bool would be read as classes 0 and 1.
    whole = all(isinstance(label, Integral) and not isinstance(label, bool) for label in wanted)
    known = whole and all(0 <= label < num_classes for label in wanted)
    allowed = f"different integers from 0..{num_classes - 1}"
    require(known and 0 < len(wanted) == len(set(wanted)), "classes", allowed, wanted)
    return _Settings(wanted, False, variant)


def _value_and_gradient(
    logits_BKHW: Tensor, labels_BHW: Tensor, settings: _Settings, per_image: bool
) -> tuple[Tensor, Tensor, Tensor]:
    slope_BKHW = torch.zeros_like(logits_BKHW)
    total = logits_BKHW.new_zeros(())
    count = torch.zeros((), dtype=torch.int64, device=logits_BKHW.device)
    for group in _groups(len(logits_BKHW), per_image):
        prob_BKHW = logits_BKHW[group].softmax(dim=1)
        total += _group(prob_BKHW, slope_BKHW[group], labels_BHW[group], settings)
        count += (labels_BHW[group] != VOID).any()
        through_softmax(prob_BKHW, slope_BKHW[group])
    return total, slope_BKHW, count


def _groups(images: int, per_image: bool) -> list[slice]:
    if per_image:
        return [slice(image, image + 1) for image in range(images)]
    return [slice(None)]


def _group(
    prob_BKHW: Tensor,
    slope_BKHW: Tensor,
    labels_BHW: Tensor,
    settings: _Settings,
) -> Tensor:
    """One group's loss; writes its derivative by the probabilities into ``slope``.

    One class at a time on a CPU, so that a map fits in its cache; all at once on a GPU.
    """
    labels_P = labels_BHW.flatten()
    classes_M, share_M = _averaged(labels_P, settings, prob_BKHW.dtype)
    ranking = Ranking(labels_P != VOID, prob_BKHW.dtype, settings.variant, nonnegative=True)
    labels_P = labels_P.to(prob_BKHW.dtype)
    total = prob_BKHW.new_zeros(())
    chunks: list[Tensor | slice] = [classes_M]
    if on_cpu(labels_P):
        chunks = [slice(label, label + 1) for label in classes_M.tolist()]
        classes_M, share_M = classes_M.unsqueeze(1), share_M.unsqueeze(1)
    else:
        classes_M, share_M = classes_M.unsqueeze(0), share_M.unsqueeze(0)
    for chunk, classes, share in zip(chunks, classes_M, share_M, strict=True):
        prob_BMHW = prob_BKHW[:, chunk]
        # Float and not bool, as ``Ranking.weights`` wants it: comparing into it needs no copy.
        truth_MP = torch.empty_like(prob_BMHW.transpose(0, 1).flatten(1))
        torch.eq(labels_P, classes.to(truth_MP.dtype).unsqueeze(1), out=truth_MP)
        signed_MP = prob_BMHW.transpose(0, 1).flatten(1) - truth_MP
        error_MP = signed_MP.abs()
        weight_MP = ranking.weights(error_MP, truth_MP).mul_(share.unsqueeze(1))
        total += error_MP.mul_(weight_MP).sum()
        slope_MBHW = weight_MP.copysign_(signed_MP).unflatten(1, labels_BHW.shape)
        # Assigned, not copied into ``slope[:, chunk]``: that is a new tensor if the chunk is one.
        slope_BKHW[:, chunk] = slope_MBHW.transpose(0, 1)
    return total


def _averaged(labels_P: Tensor, settings: _Settings, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The classes over which a group's loss is averaged, and the share of each.

    If only "present" classes count, absent ones are dropped on a CPU; on a GPU they get a share of
    zero, so that the host does not wait to learn which they are.
    """
    classes_M = torch.tensor(settings.wanted).to(labels_P.device, non_blocking=True)
    if not settings.present_only:
        return classes_M, torch.full_like(classes_M, 1 / len(classes_M), dtype=dtype)
    one = torch.ones((), device=labels_P.device)
    size = one.new_zeros(VOID + 1).scatter_add_(0, labels_P, one.expand_as(labels_P))
    kept_M = size[classes_M] > 0
    share_M = kept_M.to(dtype) / kept_M.sum().clamp(min=1)
    if not on_cpu(labels_P):
        return classes_M, share_M
    return classes_M[kept_M], share_M[kept_M]
