"""Predict complete images: at once, in sliding windows, at several scales, mirrored.

All functions take a ``predict`` callable; the caller sets its model to evaluation mode and turns
gradients off. Several predictions of a pixel are combined by the mean of their softmax
probabilities.

Shape letters: B images, C channels, K classes, H rows, W columns.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.metrics.per_image import ImageCounts, count

Predict = Callable[[Tensor], Tensor]
"""Images (B,C,H,W) to logits (B,K,h,w); h and w may be smaller than H and W."""

Size = tuple[int, int]
"""Rows and columns, in pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """How to predict an image; by default once, without changes."""

    window: Size | None = None
    """The size of sliding windows; None for the complete image. An image that fits is not cut."""

    stride: Size | None = None
    """The distance between windows; two thirds of a window by default."""

    scales: tuple[float, ...] = (1.0,)
    """Factors that the images are resized by; the windows keep their size."""

    flip: bool = False
    """Also predict the images mirrored left to right."""

    def __post_init__(self) -> None:
        positive = all(0 < scale < float("inf") for scale in self.scales)
        # A scale given twice would have twice the say.
        different = 0 < len(self.scales) == len(set(self.scales))
        allowed = "one or more different positive numbers"
        require(positive and different, "scales", allowed, self.scales)
        if self.window is None:
            require(self.stride is None, "stride", "left out without a window", self.stride)
            return
        require(min(self.window) >= 1, "window", "at least 1 by 1", self.window)
        for step, side in zip(self.steps, self.window, strict=True):
            require(1 <= step <= side, "stride", f"1 to the window {self.window}", self.stride)

    @property
    def steps(self) -> Size:
        """The stride to use."""
        assert self.window is not None
        return self.stride or (max(1, self.window[0] * 2 // 3), max(1, self.window[1] * 2 // 3))


WHOLE = Inference()
"""Single-scale, the complete image at once."""

MULTI_SCALE = Inference(scales=(0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0), flip=True)
"""ABL's 0.5 ... 2.0 and mirrored; the paper gives only the ends, the steps are the usual ones."""


def probabilities(
    predict: Predict, images_BCHW: Tensor, size: Size | None = None, how: Inference = WHOLE
) -> Tensor:
    """Class probabilities (B,K,H,W) of complete images, averaged over scales and mirroring.

    Args:
        predict: from images to logits.
        images_BCHW: images as the model expects them.
        size: of the result, such as the labels' size; by default that of the images.
        how: windows, scales, mirroring.
    """
    rows, columns = images_BCHW.shape[-2:]
    size = size or (rows, columns)
    views = [
        (scale, mirrored) for scale in how.scales for mirrored in (False, True)[: 1 + how.flip]
    ]
    total_BKHW: Tensor | None = None
    for scale, mirrored in views:
        scaled_size = max(1, round(scale * rows)), max(1, round(scale * columns))
        view_BCHW = resize(images_BCHW, scaled_size)
        prob_BKHW = _of_view(predict, view_BCHW.flip(-1) if mirrored else view_BCHW, size, how)
        prob_BKHW = prob_BKHW.flip(-1) if mirrored else prob_BKHW
        total_BKHW = prob_BKHW if total_BKHW is None else total_BKHW + prob_BKHW
    assert total_BKHW is not None
    return total_BKHW / len(views)


def predicted_labels(
    predict: Predict, images_BCHW: Tensor, size: Size | None = None, how: Inference = WHOLE
) -> Tensor:
    """int64 (B,H,W): the most probable class of each pixel; arguments as in ``probabilities``."""
    return probabilities(predict, images_BCHW, size, how).argmax(dim=1)


def evaluate(
    predict: Predict,
    images_BCHW: Tensor,
    labels_BHW: Tensor,
    num_classes: int,
    how: Inference = WHOLE,
) -> ImageCounts:
    """The counts of these images at the resolution of their labels (``per_image.count``)."""
    rows, columns = labels_BHW.shape[-2:]
    return count(
        predicted_labels(predict, images_BCHW, (rows, columns), how), labels_BHW, num_classes
    )


def resize(maps_BCHW: Tensor, size: Size) -> Tensor:
    """Resize bilinearly, corners not aligned; with antialiasing if a side shrinks."""
    if tuple(maps_BCHW.shape[-2:]) == size:
        return maps_BCHW
    shrinks = size[0] < maps_BCHW.shape[-2] or size[1] < maps_BCHW.shape[-1]
    return F.interpolate(maps_BCHW, size, mode="bilinear", align_corners=False, antialias=shrinks)


def padded(predict: Predict, multiple: int) -> Predict:
    """Let a model that needs sides of a multiple predict images of any size.

    Images are padded with zeros at the right and the bottom; the logits there are removed.
    """

    def predict_padded(images_BCHW: Tensor) -> Tensor:
        rows, columns = images_BCHW.shape[-2:]
        filled_BCHW = F.pad(images_BCHW, (0, -columns % multiple, 0, -rows % multiple))
        logits_BKHW = resize(predict(filled_BCHW), (filled_BCHW.shape[-2], filled_BCHW.shape[-1]))
        return logits_BKHW[..., :rows, :columns]

    return predict_padded


def _of_view(predict: Predict, images_BCHW: Tensor, size: Size, how: Inference) -> Tensor:
    """Probabilities (B,K,H,W), at ``size``, of images that are already scaled and mirrored."""
    rows, columns = images_BCHW.shape[-2:]
    if how.window is None or (rows <= how.window[0] and columns <= how.window[1]):
        return resize(predict(images_BCHW), size).softmax(dim=1)
    total_BKHW: Tensor | None = None
    times_HW = torch.zeros(rows, columns, device=images_BCHW.device)
    for place in _windows((rows, columns), how.window, how.steps):
        part_BCHW = images_BCHW[..., place[0], place[1]]
        part_size = (part_BCHW.shape[-2], part_BCHW.shape[-1])
        prob_BKHW = resize(predict(part_BCHW), part_size).softmax(dim=1)
        if total_BKHW is None:
            total_BKHW = prob_BKHW.new_zeros(*prob_BKHW.shape[:2], rows, columns)
        total_BKHW[..., place[0], place[1]] += prob_BKHW
        times_HW[place] += 1
    assert total_BKHW is not None
    return resize(total_BKHW / times_HW, size)


def _windows(image: Size, window: Size, steps: Size) -> Iterator[tuple[slice, slice]]:
    """Yield windows that cover the image; the last of a row or column is moved back to fit."""
    starts = []
    for length, side, step in zip(image, window, steps, strict=True):
        last = max(0, length - side)
        starts.append(sorted({min(start, last) for start in range(0, last + step, step)}))
    for top in starts[0]:
        for left in starts[1]:
            yield slice(top, top + window[0]), slice(left, left + window[1])
