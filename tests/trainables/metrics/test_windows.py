"""The windows, against scipy's morphology and distance transform."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from trainables.metrics.windows import (
    class_bits,
    disk,
    ellipse,
    holds_other_label,
    label_code,
    squared_distance,
    unite,
)

BLOBS = np.random.default_rng(0).random((2, 23, 31)) < 0.02


@pytest.mark.parametrize("radius", [0, 1, 3, 5, 9, 40])
def test_a_disk_holds_what_lies_within_its_radius(radius: int) -> None:
    united = unite(torch.from_numpy(BLOBS), [disk(1), disk(radius)])[1]

    for mask, dilated in zip(BLOBS, united.numpy(), strict=True):
        near = ndimage.distance_transform_edt(~mask) <= radius
        np.testing.assert_array_equal(dilated, near)


def test_the_ellipse_of_opencv() -> None:
    # Rows of cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)) and (9, 9), from the middle down:
    # 11111 11111 00100 and 111111111 111111111 011111110 011111110 000010000.
    assert ellipse(1) == (1, 0)
    assert ellipse(2) == (2, 2, 0)
    assert ellipse(4) == (4, 4, 3, 3, 0)


@pytest.mark.parametrize("radius", [1, 2, 7, 30])
def test_a_square_holds_another_label(radius: int) -> None:
    labels = np.random.default_rng(1).integers(0, 2, (1, 19, 26)).repeat(7, axis=2) * 255
    side = 2 * radius + 1
    low = ndimage.minimum_filter(labels[0], side, mode="constant", cval=-1)
    high = ndimage.maximum_filter(labels[0], side, mode="constant", cval=-1)

    other = holds_other_label(label_code(torch.from_numpy(labels)), radius)

    np.testing.assert_array_equal(other[0].numpy(), low != high)


@pytest.mark.parametrize("reach", [0, 1, 4, 9, 11])
def test_the_squared_distance_is_exact_up_to_its_reach(reach: int) -> None:
    squared = squared_distance(torch.from_numpy(BLOBS), reach)

    for mask, found in zip(BLOBS, squared.numpy(), strict=True):
        exact = np.rint(ndimage.distance_transform_edt(~mask) ** 2)
        np.testing.assert_array_equal(found, np.where(exact <= reach**2, exact, 255))


def test_nothing_set_is_far_from_everything() -> None:
    assert (squared_distance(torch.zeros(1, 3, 4, dtype=torch.bool), 9) == 255).all()


def test_each_class_has_its_bit_and_void_none() -> None:
    labels = torch.tensor([[[0, 63, 64, 255]]])

    low, high = class_bits(labels, range(64)), class_bits(labels, range(64, 70))

    assert [value & (2**64 - 1) for value in low.flatten().tolist()] == [1, 2**63, 0, 0]
    assert high.flatten().tolist() == [0, 0, 1, 0]
    assert (low.dtype, high.dtype) == (torch.int64, torch.int8)
