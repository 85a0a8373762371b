"""Tests of the plug-in's parts: `python -m pytest docs/test_my_training.py`."""

from math import isnan

import numpy as np
import pytest
import torch
from my_training import lion, mean_recall, noise, recall_counts, steps


def test_lion_s_first_two_steps_are_the_paper_s() -> None:
    """From 1 with gradients 2 and -1: m_1 = 0.02, then c_2 = 0.9 m_1 - 0.1 = -0.082."""
    weight = torch.ones(1, requires_grad=True)
    optimizer = lion([{"params": [weight], "lr": 0.1}], 0.1, 0.5)
    for gradient, expected in ((2.0, 1 - 0.1 * (1 + 0.5)), (-1.0, 0.85 - 0.1 * (-1 + 0.5 * 0.85))):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        assert weight.item() == pytest.approx(expected)
    assert optimizer.state[weight]["momentum"].item() == pytest.approx(0.99 * 0.02 - 0.01)


def test_the_rate_falls_twice() -> None:
    assert [steps(p) for p in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_noise_has_its_strength_and_leaves_labels() -> None:
    image, labels = np.full((64, 64, 3), 128, dtype=np.uint8), np.zeros((64, 64), dtype=np.uint8)
    noisy, same = noise(image, labels, np.random.default_rng(0), strength=10.0)
    assert noisy.astype(float).std() == pytest.approx(10, rel=0.05)
    assert np.array_equal(same, labels)


def test_mean_recall_leaves_out_void_and_absent_classes() -> None:
    labels = np.array([[0, 0, 1, 255]])
    counts = recall_counts(np.array([[0, 2, 1, 1]]), labels, 3)
    assert counts.tolist() == [1, 1, 0, 2, 1, 0]
    assert mean_recall(counts) == 0.75  # 1/2 of class 0, all of class 1, no pixel of class 2
    assert isnan(mean_recall(np.zeros(6)))
