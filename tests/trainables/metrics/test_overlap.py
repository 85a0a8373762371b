"""Overlap: by hand, and against the public tools where the class occurs."""

import math

import pytest
import torch

from tests.trainables.metrics.conftest import Golden, cases, maps
from trainables.metrics.overlap import dice, iou, mean_of_present, pixel_accuracy, zone_overlap


def _overlap(predicted: torch.Tensor, labels: torch.Tensor, num_classes: int) -> torch.Tensor:
    zone = torch.zeros_like(labels)
    return zone_overlap(predicted, labels, zone, 1, num_classes)[:, 0]


def test_counts_by_hand() -> None:
    labels = torch.tensor([[[0, 0, 1, 1, 255]]])
    predicted = torch.tensor([[[0, 1, 1, 2, 0]]])

    counts = _overlap(predicted, labels, 4)

    assert counts.tolist() == [[[1, 0, 1], [1, 1, 1], [0, 1, 0], [0, 0, 0]]]
    assert iou(counts)[0, :3].tolist() == [1 / 2, 1 / 3, 0]
    assert dice(counts)[0, :3].tolist() == [2 / 3, 2 / 4, 0]
    assert math.isnan(iou(counts)[0, 3])
    assert math.isnan(dice(counts)[0, 3])
    assert pixel_accuracy(counts).item() == 2 / 4
    assert mean_of_present(iou(counts)[0]).item() == pytest.approx((1 / 2 + 1 / 3) / 3)


def test_zones_split_the_counts() -> None:
    labels = torch.tensor([[[0, 1]], [[1, 255]]])
    predicted = torch.tensor([[[0, 0]], [[1, 1]]])

    counts = zone_overlap(predicted, labels, torch.tensor([[[0, 1]], [[1, 1]]]), 2, 2)

    assert counts[0].tolist() == [[[1, 0, 0], [0, 0, 0]], [[0, 1, 0], [0, 0, 1]]]
    assert counts[1].tolist() == [[[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [1, 0, 0]]]


def test_iou_equals_the_public_code_where_the_class_occurs(
    golden_boundary: Golden, golden_misc: Golden
) -> None:
    for case in cases(golden_boundary):
        predicted, labels, num_classes = maps(golden_boundary, case)
        ours_K = iou(_overlap(predicted, labels, num_classes)[0])
        for cls in range(num_classes):
            lovasz = golden_misc[f"miou/{case}/lovasz_iou_percent"][cls] / 100
            multi_task = golden_misc[f"miou/{case}/mtl_jac"][cls]
            if math.isnan(ours_K[cls]):
                # A class in neither map: 1 to the one, 0 to the other; left out by us.
                assert (lovasz, multi_task) == (1, 0)
            else:
                assert ours_K[cls].item() == pytest.approx(lovasz, abs=1e-12)
                assert ours_K[cls].item() == pytest.approx(multi_task, abs=1e-12)


def test_the_mean_of_nothing_is_nan() -> None:
    assert math.isnan(mean_of_present(torch.tensor([math.nan])))
    assert math.isnan(mean_of_present(torch.tensor([])))
