"""Boundary F and boundary IoU: against the public tools, by hand, and where there is nothing."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from tests.trainables.metrics.conftest import Golden, cases, maps, random_maps
from trainables.metrics.boundary import (
    boundary_f,
    boundary_iou,
    boundary_iou_width,
    boundary_regions,
    contour,
    contour_hits,
)

TOLERANCES = (1, 3, 5)


def _masked(golden: Golden, case: str) -> tuple[torch.Tensor, torch.Tensor, int]:
    predicted, labels, num_classes = maps(golden, case)
    return predicted.masked_fill(labels == 255, 255), labels, num_classes


@pytest.mark.parametrize("tool", ["davis", "openseg", "gscnn"])
def test_f_equals_the_public_tools(golden_boundary: Golden, tool: str) -> None:
    compared = 0
    for case in cases(golden_boundary):
        predicted, labels, num_classes = _masked(golden_boundary, case)
        lengths, hits = contour_hits(predicted, labels, num_classes, TOLERANCES)
        for index, tolerance in enumerate(TOLERANCES):
            f_K = boundary_f(lengths, hits[:, index])[0]
            for cls in range(num_classes):
                key = f"{case}/cls{cls}/F_{tool}_{tolerance}px"
                if key not in golden_boundary:
                    continue
                theirs = golden_boundary[key].ravel()[0]
                # They score an empty contour as perfect; for us there is nothing to score.
                ours = 1.0 if not lengths[0, cls].any() else f_K[cls].item()
                assert ours == pytest.approx(theirs, abs=1e-12), key
                compared += 1
    assert compared > 40


@pytest.mark.parametrize("ratio", [0.02, 0.005])
def test_boundary_iou_equals_its_public_tool(golden_boundary: Golden, ratio: float) -> None:
    compared = 0
    for case in cases(golden_boundary):
        predicted, labels, num_classes = _masked(golden_boundary, case)
        width = boundary_iou_width(labels.shape[1], labels.shape[2], ratio)
        ours_K = boundary_iou(boundary_regions(predicted, labels, num_classes, width))[0]
        for cls in range(num_classes):
            key = f"{case}/cls{cls}/biou_{ratio}"
            if key in golden_boundary:
                theirs = float(golden_boundary[key])
                assert ours_K[cls].item() == pytest.approx(theirs, abs=1e-12, nan_ok=True), key
                compared += 1
    assert compared > 8


def _distance_to(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """An empty mask is infinitely far; scipy measures to a pixel outside the map instead."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask))


def test_hits_equal_a_brute_force_with_distance_transforms() -> None:
    predicted, labels = random_maps()
    predicted = predicted.masked_fill(labels == 255, 255)

    lengths, hits = contour_hits(predicted, labels, 4, TOLERANCES)

    for image in range(len(labels)):
        for cls in range(4):
            pair = [contour(part[image] == cls).numpy() for part in (predicted, labels)]
            away = [_distance_to(line) for line in pair]
            assert lengths[image, cls].tolist() == [line.sum() for line in pair]
            for index, tolerance in enumerate(TOLERANCES):
                near = [(pair[0] & (away[1] <= tolerance)), (pair[1] & (away[0] <= tolerance))]
                assert hits[image, index, cls].tolist() == [line.sum() for line in near]


def test_more_classes_than_bits_are_counted_in_groups() -> None:
    predicted, labels = random_maps(num_classes=4)
    spread = torch.tensor([0, 63, 64, 149])
    few = contour_hits(predicted, labels.where(labels < 4, 0), 4, TOLERANCES)

    many = contour_hits(spread[predicted], spread[labels.where(labels < 4, 0)], 150, TOLERANCES)

    torch.testing.assert_close(many[0][:, spread], few[0])
    torch.testing.assert_close(many[1][:, :, spread], few[1])
    assert many[0].sum() == few[0].sum()


def test_f_of_a_line_that_is_two_pixels_off() -> None:
    # Two halves of a 10x20 map, cut before column 10 and before column 12: the contours are the
    # columns 9 and 11, 10 pixels each; 2 px apart, nothing within 1 px, everything within 3.
    columns = torch.arange(20).expand(1, 10, 20)

    lengths, hits = contour_hits((columns >= 12).long(), (columns >= 10).long(), 2, (1, 2, 3))

    assert lengths.tolist() == [[[10, 10], [10, 10]]]
    assert boundary_f(lengths, hits[:, 0]).tolist() == [[0, 0]]
    assert boundary_f(lengths, hits[:, 1]).tolist() == [[1, 1]]
    assert boundary_f(lengths, hits[:, 2]).tolist() == [[1, 1]]


def test_f_of_a_square_shifted_by_one_within_one_pixel() -> None:
    labels = torch.zeros(1, 20, 20, dtype=torch.int64)
    labels[:, 5:11, 5:11] = 1
    predicted = labels.roll(1, 2)

    lengths, hits = contour_hits(predicted, labels, 2, (1,))

    # The contour of a 6x6 square: rows 4 and 10 or columns 4 and 10 of the 7x7 pixels from (4,4),
    # 24 of them. Shifted by one, each lies on the other or beside it.
    assert lengths[0, 1].tolist() == [24, 24]
    assert boundary_f(lengths, hits[:, 0])[0, 1] == 1


def test_boundary_iou_of_a_shifted_square() -> None:
    labels = torch.zeros(1, 30, 30, dtype=torch.int64)
    labels[:, 10:20, 10:20] = 1
    predicted = labels.roll(3, 2)

    regions = boundary_regions(predicted, labels, 2, width_px=1)

    # Each region is the 36-pixel rim of a 10x10 square; shifted by 3 columns, the top and bottom
    # rows share 7 pixels each, the sides share none but there.
    assert regions[0, 1].tolist() == [14, 36, 36]
    assert boundary_iou(regions)[0, 1].item() == pytest.approx(14 / (36 + 36 - 14))


def test_boundary_regions_equal_a_brute_force_of_erosions_with_void() -> None:
    predicted, labels = random_maps()
    predicted = predicted.masked_fill(labels == 255, 255)

    regions = boundary_regions(predicted, labels, 4, width_px=3)

    for image in range(len(labels)):
        for cls in range(4):
            rims = []
            for part in (predicted, labels):
                mask = part[image].numpy() == cls
                rims.append(mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=3))
            expected = [(rims[0] & rims[1]).sum(), rims[0].sum(), rims[1].sum()]
            assert regions[image, cls].tolist() == expected


def test_the_width_of_boundary_iou_is_a_share_of_the_diagonal_and_at_least_one() -> None:
    assert boundary_iou_width(360, 480, 0.02) == 12
    assert boundary_iou_width(3, 4, 0.02) == 1


def test_policy_one_empty_contour_scores_zero_and_two_score_nothing() -> None:
    lengths = torch.tensor([[[0, 7], [7, 0], [0, 0]]])

    f_K = boundary_f(lengths, torch.zeros_like(lengths))[0].tolist()

    assert f_K[:2] == [0, 0]
    assert math.isnan(f_K[2])


def test_a_map_smaller_than_the_tolerance() -> None:
    labels = torch.tensor([[[0, 1]]])

    lengths, hits = contour_hits(1 - labels, labels, 2, (1, 3, 5))

    assert lengths.tolist() == [[[1, 1], [1, 1]]]
    assert (boundary_f(lengths, hits[:, 2]) == 1).all()
    assert boundary_regions(1 - labels, labels, 2, width_px=12).tolist() == [[[0, 1, 1], [0, 1, 1]]]


@pytest.mark.parametrize("tolerances", [(3, 1), (1, 1), (-1, 1)])
def test_tolerances_that_do_not_ascend_are_refused(tolerances: tuple[int, ...]) -> None:
    """Hits are counted through nested disks, and would be those of another tolerance."""
    labels = torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match="tolerances_px must be ascending numbers >= 0, got"):
        contour_hits(labels, labels, 2, tolerances)


def test_contours_of_bits_are_those_of_each_mask() -> None:
    bits = torch.from_numpy(np.random.default_rng(2).integers(0, 8, (2, 9, 11)))

    found = contour(bits)

    for bit in range(3):
        torch.testing.assert_close((found >> bit) & 1, contour((bits >> bit) & 1))
