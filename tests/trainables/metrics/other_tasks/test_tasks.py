"""Other tasks, by hand."""

import math

import pytest
import torch

from trainables.metrics.other_tasks.tasks import (
    SALIENCY_THRESHOLDS,
    depth_rmse,
    depth_totals,
    normals_mean_angle,
    normals_totals,
    parts_miou,
    saliency_miou,
    saliency_overlap,
)


def test_rmse_is_of_all_pixels_not_the_mean_of_images() -> None:
    true = torch.tensor([[[1.0, 1.0]], [[1.0, 0.0]]])
    predicted = torch.tensor([[[4.0, 5.0]], [[1.0, 7.0]]])

    totals = depth_totals(predicted, true, true > 0)

    # Squared errors 9, 16 and 0; the pixel without a measurement is out.
    assert totals.tolist() == [[25, 2], [0, 1]]
    assert depth_rmse(totals) == pytest.approx(math.sqrt(25 / 3))


def test_invalid_pixels_may_hold_anything() -> None:
    true = torch.tensor([[[1.0, math.nan, math.inf]]])

    totals = depth_totals(torch.ones(1, 1, 3), true, true == 1)

    assert depth_rmse(totals) == 0
    assert math.isnan(depth_rmse(depth_totals(true, true, torch.zeros(1, 1, 3, dtype=torch.bool))))


def test_angles_of_known_directions() -> None:
    true = torch.tensor([[1.0, 0, 0]] * 5).T.reshape(1, 3, 1, 5)
    angle = math.radians(30)
    predicted = torch.tensor(
        [[2.0, 0, 0], [0, 3.0, 0], [-1.0, 0, 0], [math.cos(angle), math.sin(angle), 0], [0, 0, 0]]
    ).T.reshape(1, 3, 1, 5)

    totals = normals_totals(predicted, true, torch.ones(1, 1, 5, dtype=torch.bool))

    assert totals.tolist() == [[pytest.approx(0 + 90 + 180 + 30 + 90, abs=1e-4), 5]]
    assert normals_mean_angle(totals) == pytest.approx(78, abs=1e-4)


def test_an_angle_that_arccos_would_lose() -> None:
    true = torch.tensor([1.0, 0, 0], dtype=torch.float64).view(1, 3, 1, 1)
    predicted = torch.tensor([1.0, 1e-9, 0], dtype=torch.float64).view(1, 3, 1, 1)

    totals = normals_totals(predicted, true, torch.ones(1, 1, 1, dtype=torch.bool))

    assert normals_mean_angle(totals) == pytest.approx(math.degrees(1e-9))


def test_no_valid_normal_is_nan() -> None:
    vectors = torch.zeros(1, 3, 2, 2)

    totals = normals_totals(vectors, vectors, torch.zeros(1, 2, 2, dtype=torch.bool))

    assert math.isnan(normals_mean_angle(totals))


def test_saliency_takes_the_best_threshold_for_all_images() -> None:
    true = torch.tensor([[[True, True, False, False]], [[True, False, False, False]]])
    prob = torch.tensor([[[0.9, 0.5, 0.3, 0.1]], [[0.7, 0.6, 0.1, 0.1]]])

    overlap = saliency_overlap(prob, true, torch.ones_like(true))

    # At 0.2 the IoUs are 2/3 and 1/2; from 0.3 on 1 and 1/2; from 0.5 on 1/2 and 1/2; at 0.6, 1/2
    # and 1; at 0.7, 1/2 and 0.
    assert overlap[:, 0].tolist() == [[2, 1, 0], [1, 1, 0]]
    assert saliency_miou(overlap) == pytest.approx(0.75)
    assert pytest.approx([0.2 + 0.05 * i for i in range(15)]) == SALIENCY_THRESHOLDS


def test_saliency_of_nothing_salient_is_left_out() -> None:
    true = torch.tensor([[[True, False]], [[False, False]]])
    prob = torch.tensor([[[0.95, 0.0]], [[0.0, 0.0]]])

    assert saliency_miou(saliency_overlap(prob, true, torch.ones_like(true))) == 1
    nothing = saliency_overlap(prob[1:], true[1:], torch.ones_like(true[1:]))
    assert math.isnan(saliency_miou(nothing))


def test_saliency_ignores_void() -> None:
    true = torch.tensor([[[True, True, False]]])
    valid = torch.tensor([[[True, False, False]]])

    overlap = saliency_overlap(torch.tensor([[[0.95, 0.0, 0.95]]]), true, valid)

    assert overlap[0, 0].tolist() == [1, 0, 0]


def test_parts_are_scored_on_images_that_show_one() -> None:
    overlap = torch.tensor(
        [
            [[6, 2, 0], [2, 0, 2], [0, 0, 0]],
            [[5, 0, 5], [0, 5, 0], [0, 0, 0]],  # a person is predicted where there is none
        ]
    )

    assert parts_miou(overlap) == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert math.isnan(parts_miou(overlap[1:]))
