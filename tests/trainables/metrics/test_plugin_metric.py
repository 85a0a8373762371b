"""A plug-in's metric: what is refused, and its values against lists built image by image."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from study.analysis.image_bootstrap import plugin_intervals, weights
from tests.study.analysis.test_image_bootstrap import counts as image_counts
from trainables.metrics import counts_file
from trainables.metrics.catalog import METRICS
from trainables.metrics.plugin_metric import PLUGIN_METRICS, ImageMetric, try_metric

Map = NDArray[np.int64]


def right(predicted: Map, labels: Map, num_classes: int) -> list[int]:
    valid = labels != 255
    return [int((valid & (predicted == labels)).sum()), int(valid.sum())]


def share(total: NDArray[np.float64]) -> float:
    return float(total[0] / total[1])


def test_a_metric_of_right_pixels_passes() -> None:
    try_metric(ImageMetric(right, share))


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (ImageMetric(lambda p, t, k: 3, share), "count must be a list of finite numbers, got 3"),
        (
            ImageMetric(lambda p, t, k: [np.nan], share),
            r"count must be a list of finite numbers, got \[nan\]",
        ),
        (
            ImageMetric(lambda p, t, k: ["a"], share),
            r"count must be a list of finite numbers, got \['a'\]",
        ),
        (
            ImageMetric(lambda p, t, k: np.ones(len(np.unique(t))), share),
            "count must be as many numbers for each image, 1, got",
        ),
        (
            ImageMetric(lambda p, t, k: [(p == t).sum(), (p == 1).sum() + t.size], share),
            r"count must leave out void pixels \(label 255\): it changes with the prediction",
        ),
        (
            ImageMetric(right, share, direction="min"),
            "direction must fit the score: min is better, but a perfect prediction has 1 and one",
        ),
        (
            ImageMetric(right, lambda c: 100 * share(c)),
            r"score must be 0 .. 1, or NaN, got 100",
        ),
        (
            ImageMetric(right, lambda c: float("nan")),
            "score must be a number where every class occurs, got nan",
        ),
        (ImageMetric(right, lambda c: "high"), "score must be a number, got 'high'"),
        (ImageMetric(right, share, low=1.0), "low must be less than high, got 1.0"),
        (ImageMetric(right, share, unit=""), "unit must be a few printable words, got ''"),
    ],
)
def test_a_mistake_is_one_line(metric: ImageMetric, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        try_metric(metric)
    assert "\n" not in str(caught.value)


def test_a_list_of_void_alone_may_have_no_score_but_no_error() -> None:
    def refusing(total: NDArray[np.float64]) -> float:
        return int(total[0]) // int(total[1])  # ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        try_metric(ImageMetric(right, refusing))


def test_its_intervals_are_those_of_lists_built_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("study.analysis.image_bootstrap.RESAMPLES", 60)
    metric = ImageMetric(right, share)
    monkeypatch.setitem(PLUGIN_METRICS, "mine", metric)
    monkeypatch.setitem(METRICS, "mine", metric.declared())
    draw = np.random.default_rng(0)
    ours, theirs = (draw.integers(0, (50, 90), (12, 2)).astype(float) for _ in range(2))
    ours[:, 1], theirs[:, 1] = 90, 95
    differences = [
        share(np.repeat(ours, row_N, axis=0).sum(axis=0))
        - share(np.repeat(theirs, row_N, axis=0).sum(axis=0))
        for row_N in weights(12).numpy()
    ]
    found = plugin_intervals({0: {"mine": ours}}, {0: {"mine": theirs}, 1: {"mine": ours}})
    assert found["mine"] == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])))


def test_its_counts_lie_in_the_counts_file_and_change_no_other_byte(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("counts") / "counts.npz"
    table, own = image_counts(0), np.arange(24.0).reshape(12, 2) / 7
    assert counts_file.pack(table) == counts_file.pack(table, plugin_counts={})
    path.write_bytes(counts_file.pack(table, plugin_counts={"mine": own}))
    (found,) = counts_file.load_plugin_counts(path, ["mine", "absent"]).values()
    assert np.array_equal(found, own)
    assert all(map(torch.equal, counts_file.load(path), table))


def test_what_count_writes_to_are_copies() -> None:
    def spoiling(predicted: Map, labels: Map, num_classes: int) -> list[int]:
        found = right(predicted, labels, num_classes)
        predicted[:], labels[:] = 0, 0
        return found

    score: Callable[[NDArray[np.float64]], float] = share
    labels = np.ones((4, 4), dtype=np.int64)
    ImageMetric(spoiling, score).counts_of(labels, labels, 2)
    assert labels.all()
