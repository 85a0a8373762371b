"""Resampled images, against counts whose answer is known and against lists made one by one."""

import numpy as np
import pytest
import torch

from study.image_bootstrap import RESAMPLES, interval, miou, weights
from trainables.metrics import overlap


def counts(seed: int, images: int = 12, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 50, size=(images, classes, 3))


def test_miou_is_the_metric_s_own() -> None:
    table = counts(0).sum(axis=0)
    table[1] = 0  # a class that does not occur
    expected = overlap.mean_of_present(overlap.iou(torch.from_numpy(table)))
    assert miou(table[None].astype(float)) == pytest.approx([expected])


def test_every_resampled_list_is_as_long_as_the_list() -> None:
    drawn = weights(7)
    assert drawn.shape == (RESAMPLES, 7)
    assert (drawn.sum(axis=1) == 7).all()


def test_weights_count_what_concatenating_the_images_counts() -> None:
    ours, theirs = counts(1), counts(2)
    differences = []
    for row in weights(12):
        chosen = np.repeat(np.arange(12), row)
        a, b = (table[chosen].sum(axis=0)[None].astype(float) for table in (ours, theirs))
        differences.append(float(miou(a)[0] - miou(b)[0]))
    found = interval({0: ours}, {0: theirs})
    assert found == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])))


def test_equal_counts_differ_nowhere_and_only_common_seeds_count() -> None:
    same = {3: counts(3), 4: counts(4)}
    assert interval(same, {4: counts(4), 9: counts(9)}) == (0.0, 0.0)
    assert interval(same, {7: counts(7)}) is None
    assert interval({0: counts(0, images=1)}, {0: counts(1, images=1)}) is None
