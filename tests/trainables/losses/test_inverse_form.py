"""The terms of InverseForm (Eq. 5 and 6), worked out by hand."""

import math

import pytest
import torch
from torch import Tensor

from tests.trainables.losses.scenes import labels_of, logits_of
from trainables.losses.boundary_cross_entropy import boundary_cross_entropy
from trainables.losses.cross_entropy import balanced_cross_entropy
from trainables.losses.inverse_form import inverse_form


def test_boundary_cross_entropy_balances_each_image() -> None:
    logits = torch.zeros(2, 1, 4)
    boundary = torch.tensor([[[True, False, False, False]], [[True, True, False, False]]])
    valid = torch.ones_like(boundary)
    # First image: 1 of 4 weighs 3/4, 3 of 4 weigh 1/4; second: 4 pixels weigh 1/2.
    paper = boundary_cross_entropy(logits, boundary, valid)
    assert paper.total.item() == pytest.approx(math.log(2) * (3 / 4 + 3 / 4 + 2))
    released = boundary_cross_entropy(logits, boundary, valid, variant="released")
    assert released.total.item() == pytest.approx(math.log(2) * (3 * 5 / 8 + 5 * 3 / 8))


def test_balanced_cross_entropy_of_one_image_by_hand() -> None:
    logits = logits_of([[0.5, 0.25, 0.25]] * 4)
    # Three of class 0 weigh 2 - 3/4, one of class 1 weighs 2 - 1/4.
    expected = (3 * 1.25 * math.log(2) + 1.75 * math.log(4)) / (3 * 1.25 + 1.75)
    term = balanced_cross_entropy(logits, labels_of(0, 0, 0, 1))
    assert term.value().item() == pytest.approx(expected)
    assert term.count == 1


def test_inverse_form_keeps_tiles_with_a_boundary_and_sums_or_averages() -> None:
    boundary = torch.zeros(1, 4, 8, dtype=torch.bool)
    boundary[0, 0, 0] = True
    logits, valid = torch.zeros(1, 4, 8), torch.ones_like(boundary)

    def three_four(predicted: Tensor, true: Tensor) -> Tensor:
        return torch.tensor([[3.0, 4.0]]).expand(len(predicted), 2)

    for reduction in ("sum", "mean"):
        term = inverse_form(
            logits, boundary, valid, network=three_four, tile=4, tile_reduction=reduction
        )
        assert term.total.item() == pytest.approx(5.0)  # of two tiles, one has a boundary
        assert term.count == 1
    released = inverse_form(
        logits,
        boundary,
        valid,
        network=three_four,
        tile=4,
        tile_reduction="mean",
        variant="released",
    )
    assert released.total.item() == pytest.approx(10.0)
    assert released.count == 2
    with pytest.raises(ValueError, match="resize must be None for variant 'paper'"):
        inverse_form(logits, boundary, valid, network=three_four, tile=4, resize=(8, 8))
