"""Affinity Regression (Eq. 8 to 10), worked out by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from tests.trainables.losses.scenes import labels_of, logits_of, random_scene
from trainables.geometry.boundaries import VOID
from trainables.losses.affinity_regression import affinity_regression


def test_affinity_of_an_image_of_two_halves() -> None:
    """Left all class 0, right all class 1, predicted with certainty p and q."""
    p, q = 0.8, 0.7
    row = [[p, 1 - p]] * 12 + [[1 - q, q]] * 12
    logits = logits_of(row).expand(1, 2, 12, 24)
    labels = labels_of(*[0] * 12, *[1] * 12).expand(1, 12, 24)
    across = math.sqrt(p * (1 - q)) + math.sqrt((1 - p) * q)
    term = affinity_regression(logits, labels)
    assert term.count == 180**2
    # Within a half, equal distributions have affinity 1: only pairs across cost anything.
    assert term.value().item() == pytest.approx(across**2 / 2)
    product = affinity_regression(logits, labels, kernel="dot_product").value().item()
    within = (p * p + (1 - p) ** 2, q * q + (1 - q) ** 2)
    dot_across = p * (1 - q) + (1 - p) * q
    expected = ((1 - within[0]) ** 2 + (1 - within[1]) ** 2) / 4 + dot_across**2 / 2
    assert product == pytest.approx(expected)


def test_affinity_regression_from_the_definition() -> None:
    logits, labels = random_scene(25, 31)
    total, count = 0.0, 0
    for image, truth in zip(logits, labels, strict=True):
        score = torch.cat([F.interpolate(image[None], size=s)[0].flatten(1) for s in (12, 6)], 1)
        label = torch.cat(
            [F.interpolate(truth[None, None].double(), size=s).flatten() for s in (12, 6)]
        )
        root = score.softmax(0).sqrt()
        valid = label != VOID
        error = (root.T @ root - (label[:, None] == label[None]).double()) ** 2
        total += error[valid][:, valid].sum().item()
        count += int(valid.sum()) ** 2
    term = affinity_regression(logits, labels)
    assert term.count == count
    assert term.total.item() == pytest.approx(total)


def test_affinity_regression_pools_the_valid_pixels_of_a_cell() -> None:
    logits, _ = random_scene(24, 24)
    labels = torch.zeros(2, 24, 24, dtype=torch.int64)
    pooled = torch.cat([F.avg_pool2d(logits, 24 // s).flatten(2) for s in (12, 6)], dim=2)
    root = pooled.softmax(1).sqrt()
    expected = (root.transpose(1, 2) @ root - 1).square().mean().item()
    actual = affinity_regression(logits, labels, sampling="average").value().item()
    assert actual == pytest.approx(expected)
