"""One test image as two networks segment it: with and without a loss (InverseForm's Figures 6, 7).

Shape letters: H rows, W columns.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from study.reporting.pictures.overlay import holes, overlay
from study.reporting.pictures.pictures import boundary_errors, colours, side_by_side, stacked
from trainables.data import Dataset
from trainables.data.preview import caption, shown
from trainables.geometry.boundaries import VOID

IMAGES = 2
"""Of each sign."""


class Differing(NamedTuple):
    """Rows of the test list on which two networks differ most."""

    gains: list[int]
    """The second network is better, by most first."""
    losses: list[int]
    """The second network is worse, by most first."""


NOWHERE = Differing([], [])


def differing(first_N: Tensor, second_N: Tensor) -> Differing:
    """The images whose scores differ most, of each sign; NaN where an image has no score."""
    gain_N = second_N - first_N
    order = [row for row in gain_N.argsort(stable=True).tolist() if gain_N[row].isfinite()]
    gains = [row for row in reversed(order) if gain_N[row] > 0]
    losses = [row for row in order if gain_N[row] < 0]
    return Differing(gains[:IMAGES], losses[:IMAGES])


def sheet(
    dataset: Dataset,
    row: int,
    views: Sequence[tuple[str, NDArray[np.uint8]]],
    scores: Sequence[float],
) -> Image.Image:
    """Draw a test image: above truth and label maps on the image, below the boundary errors.

    Args:
        views: two networks' names and predicted classes (H,W).
        scores: what they were compared by, as fractions.
    """
    images, palette = dataset.splits["test"], colours(dataset)
    image_HWC = shown(np.asarray(images.images_NHWC[row]))
    labels_HW = np.asarray(images.labels_NHW[row])
    none_HW = np.zeros(labels_HW.shape, dtype=bool)
    upper, lower = [overlay(image_HWC, labels_HW, palette, none_HW)], [image_HWC]
    heads = ["truth"]
    for (name, predicted_HW), score in zip(views, scores, strict=True):
        shown_HW = np.where(labels_HW == VOID, VOID, predicted_HW)
        upper.append(overlay(image_HWC, shown_HW, palette, holes(shown_HW, labels_HW)))
        lower.append(boundary_errors(image_HWC, labels_HW, shown_HW))
        heads.append(f"{name}: F {100 * score:.1f}")
    below = [caption(dataset.pixels), *(f"{name}: boundary" for name, _ in views)]
    return stacked([side_by_side(upper, heads), side_by_side(lower, below)])
