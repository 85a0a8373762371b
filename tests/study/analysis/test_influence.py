"""Images' contributions to a metric: their definition by classes, differences, single images."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from study.analysis.influence import by_seed, contributions, differences
from study.analysis.variance import components
from tests.study.analysis.test_image_bootstrap import counts
from trainables.metrics import per_image, summaries
from trainables.metrics.per_image import ImageCounts


def test_miou_is_linearised_by_class() -> None:
    """By hand: IoU of a class is T / U; its derivative by a weight is (t - IoU u) / U."""
    table = counts(0)
    found_N = contributions(table, "miou")
    true_NK = table.overlap_NK3[..., 0].double()
    union_NK = table.overlap_NK3.sum(dim=-1).double()
    iou_K = true_NK.sum(dim=0) / union_NK.sum(dim=0)
    by_class_NK = iou_K + 12 * (true_NK - iou_K * union_NK) / union_NK.sum(dim=0)
    assert found_N is not None
    assert found_N == pytest.approx(by_class_NK.mean(dim=1).numpy())
    assert found_N.mean() == pytest.approx(summaries.summarize(table)["miou"])


@pytest.mark.parametrize("metric", ["miou", "boundary_iou", "boundary_f_1px", "dice", "mba"])
def test_a_contribution_is_what_a_little_more_of_the_image_changes(metric: str) -> None:
    table, step = counts(1), 1e-6
    weights_NN = torch.ones(12, 12, dtype=torch.float64) + step * torch.eye(12)
    changed_N = summaries.resample(table, weights_NN)[metric]
    value = summaries.summarize(table)[metric]
    found_N = contributions(table, metric)
    assert found_N is not None
    assert found_N == pytest.approx((value + 12 * (changed_N - value) / step).numpy(), abs=1e-4)


def test_a_mean_over_images_is_made_of_the_images_own_values() -> None:
    table = counts(2)
    own = [
        summaries.summarize(ImageCounts(*(rows[n : n + 1] for rows in table)))["mba"]
        for n in range(12)
    ]
    assert contributions(table, "mba") == pytest.approx(np.array(own))


def test_a_class_that_occurs_nowhere_changes_nothing() -> None:
    """Its 0 / 0 has no derivative."""
    draw = torch.Generator().manual_seed(0)
    labels_NHW = torch.randint(0, 3, (8, 9, 9), generator=draw)
    predicted_NHW = torch.where(torch.rand(8, 9, 9, generator=draw) < 0.7, labels_NHW, 0)
    three, five = (per_image.count(predicted_NHW, labels_NHW, classes) for classes in (3, 5))
    for metric in ("miou", "boundary_f_1px", "boundary_iou", "dice"):
        expected_N, found_N = contributions(three, metric), contributions(five, metric)
        assert expected_N is not None
        assert found_N is not None
        assert found_N == pytest.approx(expected_N)


def test_a_metric_without_a_value_has_no_contributions() -> None:
    assert contributions(counts(0), "hausdorff") is None
    assert contributions(counts(0), "dice_volume") is None
    assert contributions(counts(0), "classes_scored") is None
    assert by_seed({0: counts(0)}, "hausdorff") == {}


def test_differences_need_two_common_seeds() -> None:
    rows = {seed: np.array([0.5 + seed, 1.0]) for seed in range(3)}
    found_SN = differences(rows, {2: np.zeros(2), 0: np.ones(2), 9: np.ones(2)})
    assert found_SN is not None
    assert found_SN.tolist() == [[-0.5, 0.0], [2.5, 1.0]]
    assert differences(rows, {1: np.zeros(2), 9: np.zeros(2)}) is None
    assert differences({0: np.ones(1), 1: np.ones(1)}, {0: np.ones(1), 1: np.ones(1)}) is None


def test_the_components_of_a_simulated_network_are_those_of_its_images() -> None:
    """One class, 10^6 pixels an image: the share of right pixels is the image's IoU."""
    random, pixels = np.random.default_rng(4), 10**6
    gain_SN = (
        0.01
        + 0.004 * random.standard_normal((5, 1))
        + 0.01 * random.standard_normal((1, 30))
        + 0.02 * random.standard_normal((5, 30))
    )

    def shares(right_N: NDArray[np.float64]) -> ImageCounts:
        true_N = torch.from_numpy((pixels * right_N).round()).long()
        overlap_N13 = torch.stack((true_N, 0 * true_N, pixels - true_N), dim=-1)[:, None]
        empty = per_image.empty(len(true_N), 1, torch.device("cpu"))
        return empty._replace(overlap_NK3=overlap_N13)

    plain = shares(np.full(30, 0.7))
    cell = {seed: shares(0.7 + gain_N) for seed, gain_N in enumerate(gain_SN)}
    found_SN = differences(by_seed(cell, "miou"), by_seed(dict.fromkeys(cell, plain), "miou"))
    assert found_SN is not None
    assert found_SN == pytest.approx(gain_SN, abs=1e-5)
    found, expected = components(found_SN), components(gain_SN)
    assert found.of_seeds == pytest.approx(expected.of_seeds, rel=0.01)
    assert found.of_images == pytest.approx(expected.of_images, rel=0.01)
    assert found.of_interaction == pytest.approx(expected.of_interaction, rel=0.01)
