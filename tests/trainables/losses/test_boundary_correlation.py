"""The correlation rival of InverseForm: loops over tiles, pixels and shifts, and what it models."""

import math

import pytest
import torch
from torch import Tensor

from trainables.config import TrialConfig
from trainables.losses.boundary_correlation import boundary_correlation

TILE, REACH, SHARPNESS = 6, 2, 12.0


def brute_force(probability: list[list[float]], true: list[list[float]]) -> float:
    """The definition for one tile."""
    side = len(true)
    norm = math.sqrt(sum(p * p for row in probability for p in row))
    norm *= math.sqrt(sum(t * t for row in true for t in row))
    weights, moved = 0.0, 0.0
    for down in range(-REACH, REACH + 1):
        for right in range(-REACH, REACH + 1):
            found = 0.0
            for row in range(side):
                for column in range(side):
                    y, x = row + down, column + right
                    if 0 <= y < side and 0 <= x < side:
                        found += probability[y][x] * true[row][column]
            weight = math.exp(SHARPNESS * found / norm)
            weights, moved = weights + weight, moved + weight * math.hypot(down, right)
    return moved / weights


def test_it_is_the_definition_tile_by_tile() -> None:
    generator = torch.Generator().manual_seed(0)
    logits_BHW = torch.randn(2, 11, 12, generator=generator, dtype=torch.float64)
    true_BHW = torch.rand(2, 11, 12, generator=generator) < 0.3
    true_BHW[0, :6, :6] = False  # a tile without a true boundary
    valid_BHW = torch.rand(2, 11, 12, generator=generator) < 0.9
    term = boundary_correlation(
        logits_BHW, true_BHW, valid_BHW, tile=TILE, reach=REACH, sharpness=SHARPNESS
    )
    probability = torch.zeros(2, 12, 12, dtype=torch.float64)
    probability[:, :11] = logits_BHW.sigmoid() * valid_BHW
    true = torch.zeros(2, 12, 12)
    true[:, :11] = (true_BHW & valid_BHW).float()
    expected = [
        brute_force(
            probability[image, top : top + 6, left : left + 6].tolist(),
            true[image, top : top + 6, left : left + 6].tolist(),
        )
        for image in range(2)
        for top in (0, 6)
        for left in (0, 6)
        if (image, top, left) != (0, 0, 0)
    ]
    assert term.count == len(expected) == 7
    assert term.total.item() == pytest.approx(sum(expected), rel=1e-5)


def corner(row: int, column: int) -> Tensor:
    """(1,24,24): two lines that meet, which fix a translation in both directions."""
    map_1HW = torch.zeros(1, 24, 24, dtype=torch.bool)
    map_1HW[0, row, column : column + 8] = True
    map_1HW[0, row : row + 8, column] = True
    return map_1HW


def distance(predicted_1HW: Tensor, true_1HW: Tensor) -> float:
    logits_1HW = predicted_1HW.float() * 24 - 12
    valid_1HW = torch.ones_like(true_1HW)
    return (
        boundary_correlation(logits_1HW, true_1HW, valid_1HW, tile=24, sharpness=60.0)
        .value()
        .item()
    )


def test_a_translation_is_found_in_pixels() -> None:
    assert distance(corner(8, 8), corner(8, 8)) < 0.1
    for down, right in ((1, 0), (2, -1), (-3, 2)):
        moved = distance(corner(8 + down, 8 + right), corner(8, 8))
        assert moved == pytest.approx(math.hypot(down, right), abs=0.1)


def test_its_gradient_moves_a_boundary_towards_the_true_one() -> None:
    """Probability beside the prediction, on the side of the true line, lowers the loss."""
    true_1HW, predicted_1HW = corner(8, 8), corner(10, 8)
    logits_1HW = (predicted_1HW.float() * 4 - 2).requires_grad_()
    term = boundary_correlation(logits_1HW, true_1HW, torch.ones_like(true_1HW), tile=24)
    (gradient_1HW,) = torch.autograd.grad(term.total, logits_1HW)
    assert gradient_1HW[0, 8, 10:15].max() < 0  # on the true line
    assert gradient_1HW[0, 12, 10:15].min() > 0  # as far on the other side


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss/correlation_reach": 0}, "loss/correlation_reach must be >= 1, got 0"),
        ({"loss/correlation_reach": 32}, "must be less than the tile's 32 px, got 32"),
        ({"loss/correlation_sharpness": 0.0}, "loss/correlation_sharpness must be a finite number"),
        ({"loss/correlation": -1.0}, "loss/correlation must be a finite number >= 0"),
    ],
)
def test_a_bad_field_is_refused_in_one_line(changes: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        TrialConfig().changed({"loss/correlation": 1.0, **changes})
    assert "\n" not in str(caught.value)
