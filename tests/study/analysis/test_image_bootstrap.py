"""The bootstrap over images, against known answers and against lists built image by image."""

from typing import Any

import numpy as np
import pytest
import torch

from study.analysis.image_bootstrap import RESAMPLES, intervals, of_one_network, weights
from trainables.metrics import per_image, summaries
from trainables.metrics.per_image import ImageCounts


def counts(seed: int, images: int = 12) -> ImageCounts:
    """Counts of random maps with void and four classes; the last is in the first image only."""
    draw = torch.Generator().manual_seed(seed)
    labels_NHW = torch.randint(0, 3, (images, 9, 11), generator=draw)
    labels_NHW[0, 2:5, 2:6] = 3
    labels_NHW[:, 0, :4] = 255
    predicted_NHW = torch.where(torch.rand(images, 9, 11, generator=draw) < 0.7, labels_NHW, 0)
    return per_image.count(predicted_NHW, labels_NHW, 4)


def summary_of(table: ImageCounts, row_N: torch.Tensor) -> dict[str, float]:
    """Metrics of a list that holds each image as often as ``row_N`` says, built one by one."""
    chosen = torch.arange(len(row_N)).repeat_interleave(row_N)
    return summaries.summarize(ImageCounts(*(counts_N[chosen] for counts_N in table)))


def test_every_metric_of_a_resampled_list_is_the_metric_of_that_list() -> None:
    table, drawn_RN = counts(0), weights(12)[:20]
    found = summaries.resample(table, drawn_RN)
    for place, row_N in enumerate(drawn_RN):
        expected = summary_of(table, row_N)
        assert found.keys() == expected.keys()
        for name, values_R in found.items():
            assert values_R[place].item() == pytest.approx(expected[name], nan_ok=True), name


def test_every_resampled_list_is_as_long_as_the_list() -> None:
    drawn = weights(7)
    assert drawn.shape == (RESAMPLES, 7)
    assert (drawn.sum(dim=1) == 7).all()


def test_the_interval_equals_that_of_lists_built_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("study.analysis.image_bootstrap.RESAMPLES", 60)
    ours, theirs = counts(1), counts(2)
    differences = []
    for row_N in weights(12):
        a, b = (summary_of(table, row_N) for table in (ours, theirs))
        differences.append(a["boundary_f_1px"] - b["boundary_f_1px"])
    found = intervals({0: ours}, {0: theirs})["boundary_f_1px"]
    assert found == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])))


def test_the_interval_of_one_network_equals_that_of_lists_built_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("study.analysis.image_bootstrap.RESAMPLES", 60)
    table = counts(1)
    values = [summary_of(table, row_N)["miou"] for row_N in weights(12)]
    found = of_one_network(table)
    assert found["miou"] == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert "contours_scored" not in found
    assert of_one_network(counts(0, images=1)) == {}


def test_equal_counts_differ_nowhere_and_only_common_seeds_count() -> None:
    same: dict[int, Any] = {3: counts(3), 4: counts(4)}
    found = intervals(same, {4: counts(4), 9: counts(9)})
    assert set(found.values()) == {(0.0, 0.0)}
    assert {"miou", "boundary_f_5px", "boundary_iou", "trimap_miou_inside_1px"} <= found.keys()
    assert not {"classes_scored", "contours_scored"} & found.keys()
    assert intervals(same, {7: counts(7)}) == {}
    assert intervals({0: counts(0, images=1)}, {0: counts(1, images=1)}) == {}
