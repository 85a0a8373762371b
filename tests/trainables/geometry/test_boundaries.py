from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.geometry.boundaries import (
    VOID,
    eight_neighbour_boundary,
    radius_boundary,
    sobel_boundary,
    two_neighbour_boundary,
)

ABL = golden.load("abl")
INVERSE_FORM = golden.load("inverseform")
DEFAULTS: dict[str, Callable[[Tensor], Tensor]] = {
    "sobel": lambda labels: sobel_boundary(labels, 4),
    "two": two_neighbour_boundary,
    "eight": eight_neighbour_boundary,
    "radius": lambda labels: radius_boundary(labels, 4, radius=2),
}
SKETCH = torch.tensor([[[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [2, 2, 2, 2]]])


def drawn(boundary_BHW: Tensor) -> list[str]:
    return ["".join(".#"[pixel] for pixel in line) for line in boundary_BHW[0].int().tolist()]


def test_two_neighbours_look_down_and_right() -> None:
    assert drawn(two_neighbour_boundary(SKETCH)) == ["..#.", "..#.", "####", "...."]


def test_eight_neighbours_and_sobel_are_two_pixels_thick() -> None:
    expected = ["..##", "..##", "####", "####"]
    assert drawn(eight_neighbour_boundary(SKETCH)) == expected
    assert drawn(sobel_boundary(SKETCH, 3)) == expected


def test_a_radius_of_one_sees_four_neighbours() -> None:
    assert drawn(radius_boundary(SKETCH, 3, radius=1)) == ["..##", "..##", "####", "####"]
    assert drawn(radius_boundary(SKETCH, 3, radius=2)) == [".###", "####", "####", "####"]


@golden.needs_golden
@pytest.mark.parametrize("case", golden.keys_of(ABL, "/default/gt_boundary"))
def test_two_neighbour_maps_equal_the_authors(case: str) -> None:
    labels = golden.labels(ABL[f"{case}/target"])
    boundary = two_neighbour_boundary(labels, variant="released")
    np.testing.assert_array_equal(boundary.numpy(), ABL[f"{case}/default/gt_boundary"])


@golden.needs_golden
@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("case", golden.keys_of(INVERSE_FORM, "/num_classes"))
def test_radius_maps_equal_the_authors(case: str, radius: int) -> None:
    labels = golden.labels(INVERSE_FORM[f"in/{case.split('/')[1]}/seg_target"])
    num_classes = int(INVERSE_FORM[f"{case}/num_classes"])
    boundary = radius_boundary(labels, num_classes, radius=radius, variant="released")
    np.testing.assert_array_equal(
        boundary.numpy(), INVERSE_FORM[f"{case}/edge_r{radius}"][:, 0] > 0
    )


@pytest.mark.parametrize("name", DEFAULTS)
def test_void_never_makes_a_boundary(name: str) -> None:
    labels = torch.zeros(1, 6, 7, dtype=torch.int64)
    labels[0, 2:4, 2:5] = VOID
    assert not DEFAULTS[name](labels).any()


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_numbering_of_the_classes_does_not_matter(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (2, 9, 11), generator=generator)
    labels[:, 0] = VOID
    renumbered = torch.where(labels == VOID, VOID, (labels + 1) % 4)
    assert torch.equal(DEFAULTS[name](labels), DEFAULTS[name](renumbered))


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.5])
def test_radius_means_that_a_pixel_of_another_class_lies_in_the_disk(radius: float) -> None:
    labels = torch.randint(0, 3, (1, 8, 9), generator=torch.Generator().manual_seed(1)) // 2
    labels[0, 4, :3] = VOID
    places = [(r, c) for r in range(8) for c in range(9)]
    image = labels[0].tolist()
    expected = [
        any(
            VOID not in (image[r][c], image[i][j])
            and image[r][c] != image[i][j]
            and (r - i) ** 2 + (c - j) ** 2 <= radius**2
            for i, j in places
        )
        for r, c in places
    ]
    assert radius_boundary(labels, 2, radius=radius).flatten().tolist() == expected


def test_a_radius_must_be_sensible() -> None:
    with pytest.raises(ValueError, match=r"radius must be in \[1, 16\] pixels, got 0.5"):
        radius_boundary(SKETCH, 3, radius=0.5)
