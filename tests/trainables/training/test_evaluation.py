"""The evaluation of a list: its loss and its confusion, against figures worked out by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data.dataset import ImageList
from trainables.training.evaluation import Evaluation, evaluate

LABELS_NHW = np.array([[[0, 0], [1, 255]], [[2, 2], [2, 2]]], dtype=np.uint8)
VALID = 7


def always(*logits: float) -> Callable[[Tensor], Tensor]:
    """A network with the same logits for every pixel."""
    return lambda images_BCHW: (
        torch.tensor(logits).view(1, -1, 1, 1).expand(len(images_BCHW), -1, *images_BCHW.shape[-2:])
    )


def of(
    predict: Callable[[Tensor], Tensor], labels_NHW: NDArray[np.uint8] = LABELS_NHW
) -> Evaluation:
    images_NHWC = np.zeros((*labels_NHW.shape, 3), dtype=np.uint8)
    images = ImageList(images_NHWC, labels_NHW, ("a", "b"))
    return evaluate(predict, images, 3, 1, torch.device("cpu"))


def test_the_loss_is_in_nats_per_valid_pixel() -> None:
    """Equal logits: ln 3 everywhere. Probabilities 1/2, 1/4, 1/4: ln 2 on two pixels, else ln 4."""
    assert of(always(0.0, 0.0, 0.0)).loss == pytest.approx(np.log(3))
    assert of(always(np.log(2), 0.0, 0.0)).loss == pytest.approx(
        (2 * np.log(2) + 5 * np.log(4)) / VALID
    )


def test_a_loss_of_nothing_or_of_nothing_finite_is_nan() -> None:
    assert np.isnan(of(always(0.0, 0.0, 0.0), np.full_like(LABELS_NHW, 255)).loss)
    assert np.isnan(of(always(0.0, float("nan"), 0.0)).loss)


def test_pixels_are_counted_by_true_and_predicted_class_without_void() -> None:
    found = of(always(0.0, 1.0, 0.0))
    assert found.confusion_KK.tolist() == [[0, 2, 0], [0, 1, 0], [0, 4, 0]]
    true_positives_K = found.counts.overlap_NK3.sum(dim=0)[:, 0]
    assert torch.equal(found.confusion_KK.diagonal(), true_positives_K)
