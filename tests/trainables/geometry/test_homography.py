"""Transformations: their normal form, their bounds, and what the warp reads."""

import pytest
import torch
from torch import Generator, Tensor

from trainables.geometry import homography
from trainables.geometry.so3 import so3_distance
from trainables.losses.geodesic import LAMBDA_GEO, RAD_PER_UNIT

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
    expected = corners[:, :2] + 0.15 * offset_N8.view(50, 4, 2)
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


def test_ranges_are_the_bounds_of_what_is_sampled() -> None:
    """AET's affine ranges, read off the matrices: no shear, so that the angle is theirs."""
    ranges = homography.Ranges(rotation=90.0, shear=0.0, zoom=0.3, shift=0.25)
    theta = homography.sample(20_000, 6, Generator().manual_seed(0), ranges)
    angle = torch.atan2(theta[:, 1, 0], theta[:, 0, 0]).rad2deg()
    assert 89 < angle.max() <= 90
    zoom = theta[:, :2, 0].norm(dim=1)
    assert 0.7 <= zoom.min() < 0.705
    assert 1.295 < zoom.max() <= 1.3001
    # A quarter of the side is half of a tile that reaches from -1 to 1.
    assert 0.499 < theta[:, :2, 2].abs().max() <= 0.5


@BOTH
def test_a_range_of_zero_leaves_its_part_out(coefficients: int) -> None:
    still = homography.Ranges(rotation=0.0, shear=0.0, zoom=0.0, shift=0.0, corners=0.0)
    theta = homography.sample(50, coefficients, Generator().manual_seed(0), still)
    torch.testing.assert_close(theta, torch.eye(3).expand(50, 3, 3))


def test_the_widest_corners_that_a_config_allows_stay_before_the_tile() -> None:
    signs = torch.cartesian_prod(*[torch.tensor((-1.0, 1.0))] * 8)
    widest = homography.Ranges(rotation=0.0, shear=0.0, zoom=0.0, shift=0.0, corners=0.2)
    theta = homography.from_freedom(torch.cat((torch.zeros(len(signs), 6), signs), dim=1), widest)
    corners = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    assert (theta @ corners.T)[:, 2].min() > 0.19


def test_a_unit_of_the_normal_form_in_radians() -> None:
    """``RAD_PER_UNIT`` is derived: the ratio of the two mean distances over the default ranges."""
    theta = sampled(homography.PERSPECTIVE)
    units = homography.normalise(theta, homography.PERSPECTIVE).norm(dim=1).mean()
    radians = so3_distance(theta, LAMBDA_GEO).mean()
    assert abs(radians / units - RAD_PER_UNIT) < 0.01
