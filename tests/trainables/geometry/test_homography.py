"""Transformations: their normal form, their bounds, and what the warp reads."""

import pytest
import torch
from torch import Generator, Tensor

from trainables.geometry import homography

BOTH = pytest.mark.parametrize("coefficients", [homography.AFFINE, homography.PERSPECTIVE])


def sampled(coefficients: int, count: int = 20_000) -> Tensor:
    return homography.sample(count, coefficients, Generator().manual_seed(0))


@BOTH
def test_the_identity_is_the_zero_vector_and_no_coefficient_dominates(coefficients: int) -> None:
    identity = homography.normalise(torch.eye(3).unsqueeze(0), coefficients)
    assert identity.shape == (1, coefficients)
    assert (identity == 0).all()
    spread = homography.normalise(sampled(coefficients), coefficients).std(dim=0)
    torch.testing.assert_close(spread, torch.ones(coefficients), rtol=0, atol=0.05)


@BOTH
def test_the_normal_form_loses_nothing(coefficients: int) -> None:
    theta = sampled(coefficients, 100)
    back = homography.denormalise(homography.normalise(theta, coefficients))
    torch.testing.assert_close(back, theta)
    assert (theta[:, 2, 2] == 1).all()


def test_corner_offsets_move_the_corners_by_as_much() -> None:
    """AET's projective transformations, and the homography's defining property."""
    offset_N8 = torch.rand(50, 8, generator=Generator().manual_seed(1)) * 2 - 1
    theta = homography.from_freedom(torch.cat((torch.zeros(50, 6), offset_N8), dim=1))
    corners = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    moved = corners @ theta.mT
    expected = corners[:, :2] + homography.CORNER * offset_N8.view(50, 4, 2)
    torch.testing.assert_close(moved[..., :2] / moved[..., 2:], expected, rtol=0, atol=1e-5)


def test_no_sampled_perspective_looks_behind_the_tile() -> None:
    corners = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    assert (sampled(homography.PERSPECTIVE) @ corners.T)[:, 2].min() > 0.3


@pytest.mark.parametrize("tile", [16, 24])
def test_a_shift_by_whole_pixels_reads_the_context_there(tile: int) -> None:
    context = torch.rand(2, 2 * tile, 2 * tile, generator=Generator().manual_seed(2))
    theta = torch.eye(3).repeat(2, 1, 1)
    theta[:, 0, 2], theta[:, 1, 2] = 3 * 2 / tile, -2 * 2 / tile  # x by 3 px, y by -2 px
    edge = tile // 2
    expected = context[:, edge - 2 : edge - 2 + tile, edge + 3 : edge + 3 + tile]
    torch.testing.assert_close(homography.warp(context, theta, tile), expected, rtol=0, atol=1e-5)
