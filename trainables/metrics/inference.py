"""Predict complete images: at once, in sliding windows, at several scales, mirrored.

All functions take a ``predict`` callable; the caller sets its model to evaluation mode and turns
gradients off. Several predictions of a pixel are combined by the mean of their softmax
probabilities, of further tasks as ``Heads`` says. docs/evaluation.md has the conventions and the
memory that each needs.

Shape letters: B images, C channels, K classes or the maps of all ``Heads``, H rows, W columns.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config.evaluation import EvaluationProtocol, Size
from trainables.config.inputs import InputName
from trainables.metrics.input_bands import mirrored_view, scaled_view
from trainables.metrics.other_tasks.heads import CLASSES, Heads

Predict = Callable[[Tensor], Tensor]
"""Images (B,C,H,W) to logits (B,K,h,w); h and w may be smaller than H and W."""

PLAIN = EvaluationProtocol()
"""Single-scale, the complete image at once."""


def scores(
    predict: Predict,
    images_BCHW: Tensor,
    how: EvaluationProtocol = PLAIN,
    heads: Heads = CLASSES,
    inputs: Sequence[InputName] = (),
) -> Tensor:
    """Logits (B,K,H,W) of complete images: the model's own, or, where several predictions are
    averaged, the logarithm of their mean probability (at least that of float32's least number).

    Args:
        predict: from images to logits; in the plain protocol they have the images' size.
        images_BCHW: images as the model expects them.
        how: windows, scales, mirroring.
        heads: what the maps are, beside the classes: those of further tasks are their ``values``.
        inputs: the maps that are the last bands of the images.
    """
    if how.is_plain:
        return heads.of_one(predict(images_BCHW))
    return heads.of_mean(probabilities(predict, images_BCHW, how, heads, inputs))


def probabilities(
    predict: Predict,
    images_BCHW: Tensor,
    how: EvaluationProtocol = PLAIN,
    heads: Heads = CLASSES,
    inputs: Sequence[InputName] = (),
) -> Tensor:
    """Class probabilities (B,K,H,W) of complete images, averaged over scales and mirroring; of
    further tasks, the mean ``values``."""
    size = images_BCHW.shape[-2], images_BCHW.shape[-1]
    views = [
        (scale, mirrored) for scale in how.scales for mirrored in (False, True)[: 1 + how.flip]
    ]
    total_BKHW: Tensor | None = None
    for scale, mirrored in views:
        view_size = scaled(size, scale)
        resized = partial(resize, size=view_size)
        view_BCHW = scaled_view(images_BCHW, view_size, scale, inputs, resized)
        view_BCHW = mirrored_view(view_BCHW, inputs) if mirrored else view_BCHW
        prob_BKHW = _of_view(predict, view_BCHW, size, how, partial(heads.values, scale=scale))
        prob_BKHW = heads.unmirrored(prob_BKHW) if mirrored else prob_BKHW
        total_BKHW = prob_BKHW if total_BKHW is None else total_BKHW.add_(prob_BKHW)
    assert total_BKHW is not None
    return total_BKHW.div_(len(views))


def scaled(size: Size, scale: float) -> Size:
    """The size times the scale, rounded to whole pixels, at least one."""
    return max(1, round(scale * size[0])), max(1, round(scale * size[1]))


def resize(maps_BCHW: Tensor, size: Size) -> Tensor:
    """Resize bilinearly, corners not aligned; with antialiasing if a side shrinks."""
    if tuple(maps_BCHW.shape[-2:]) == size:
        return maps_BCHW
    shrinks = size[0] < maps_BCHW.shape[-2] or size[1] < maps_BCHW.shape[-1]
    return F.interpolate(maps_BCHW, size, mode="bilinear", align_corners=False, antialias=shrinks)


def _of_view(
    predict: Predict,
    images_BCHW: Tensor,
    size: Size,
    how: EvaluationProtocol,
    values: Callable[[Tensor], Tensor],
) -> Tensor:
    """``values`` (B,K,H,W), at ``size``, of images that are already scaled and mirrored."""
    rows, columns = images_BCHW.shape[-2:]
    if how.window is None or (rows <= how.window[0] and columns <= how.window[1]):
        return values(resize(predict(images_BCHW), size))
    assert how.stride is not None, "windows have a stride"
    total_BKHW: Tensor | None = None
    times_HW = torch.zeros(rows, columns, device=images_BCHW.device)
    for place in windows((rows, columns), how.window, how.stride):
        part_BCHW = images_BCHW[..., place[0], place[1]]
        part_size = (part_BCHW.shape[-2], part_BCHW.shape[-1])
        prob_BKHW = values(resize(predict(part_BCHW), part_size))
        if total_BKHW is None:
            total_BKHW = prob_BKHW.new_zeros(*prob_BKHW.shape[:2], rows, columns)
        total_BKHW[..., place[0], place[1]] += prob_BKHW
        times_HW[place] += 1
    assert total_BKHW is not None
    return resize(total_BKHW.div_(times_HW), size)


def windows(image: Size, window: Size, stride: Size) -> Iterator[tuple[slice, slice]]:
    """Yield windows that cover the image; the last of a row or column is moved back to fit."""
    starts = []
    for length, side, step in zip(image, window, stride, strict=True):
        last = max(0, length - side)
        starts.append(sorted({min(start, last) for start in range(0, last + step, step)}))
    for top in starts[0]:
        for left in starts[1]:
            yield slice(top, top + window[0]), slice(left, left + window[1])
