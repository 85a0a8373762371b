"""Variants of cross-entropy against the outputs of public code."""

import numpy as np
import pytest
import torch

from tests.trainables import golden
from trainables.losses.boundary_cross_entropy import (
    fixed_balance_cross_entropy,
    released_balance_cross_entropy,
)
from trainables.losses.cross_entropy import (
    cross_entropy,
)

pytestmark = golden.needs_golden

MISC = golden.load("misc")


@pytest.mark.parametrize("key", golden.keys_of(MISC, "/pos_weight"))
def test_balanced_cross_entropy_of_the_multi_task_code(key: str) -> None:
    boundary = torch.from_numpy(MISC[f"{key}/target"])[:, 0] > 0
    valid = torch.ones_like(boundary)
    if f"{key}/void" in MISC:
        valid = torch.from_numpy(MISC[f"{key}/void"])[:, 0] == 0
    leaf, weight = golden.logits(MISC[f"{key}/logits"][:, 0]), float(MISC[f"{key}/pos_weight"])
    if weight < 0:
        term = released_balance_cross_entropy(leaf, boundary, valid)
    else:
        term = fixed_balance_cross_entropy(
            leaf, boundary, valid, positive_weight=weight, variant="released"
        )
    golden.assert_equal_to_authors(term.value(), leaf, MISC[f"{key}/loss"], MISC[f"{key}/grad"])


@pytest.mark.parametrize("key", golden.keys_of(MISC, "/smooth"))
def test_label_smoothing(key: str) -> None:
    logits, labels = MISC[f"{key}/logits"], MISC[f"{key}/target"]
    loss, gradient = MISC[f"{key}/loss"], MISC[f"{key}/grad_of_sum"]
    if logits.ndim == 2:  # (N,K): as an image of one column
        logits, gradient = logits.T[None, :, :, None], gradient.T[None, :, :, None]
        labels = labels[None, :, None]
    leaf = golden.logits(np.ascontiguousarray(logits))
    smoothing = float(MISC[f"{key}/smooth"])
    term = cross_entropy(leaf, golden.labels(labels), label_smoothing=smoothing, variant="released")
    value = term.value() if MISC[f"{key}/reduction"] == "mean" else term.total
    golden.assert_equal_to_authors(value, leaf, loss.sum(), gradient)
