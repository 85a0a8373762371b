"""Surface distances: against medpy and monai, by hand, and where there is no surface."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.trainables.metrics.conftest import Golden, cases, maps, random_maps
from trainables.metrics.surface import (
    SurfaceDistances,
    assd,
    hausdorff,
    hd95,
    surface_by_class,
    surface_distances,
)

Measure = Callable[[SurfaceDistances], float]

TOOLS: list[tuple[str, Measure]] = [
    ("medpy_hd", hausdorff),
    ("medpy_hd95", hd95),
    ("medpy_assd", assd),
    ("monai_hd", hausdorff),
    ("monai_hd95", lambda distances: hd95(distances, pooled=False)),
    ("monai_asd_sym", assd),
]


@pytest.mark.parametrize(("key", "measure"), TOOLS)
def test_equal_to_the_public_tools(golden_boundary: Golden, key: str, measure: Measure) -> None:
    compared = 0
    for case in cases(golden_boundary):
        predicted, labels, num_classes = maps(golden_boundary, case)
        for cls in range(num_classes):
            name = f"{case}/cls{cls}/{key}"
            if name not in golden_boundary:
                continue
            theirs = float(golden_boundary[name])
            mask = (predicted[0] == cls) & (labels[0] != 255)
            distances = surface_distances(mask, labels[0] == cls)
            # monai computes in float32, and gives inf where one of the masks is empty.
            theirs = theirs if math.isfinite(theirs) else math.nan
            assert measure(distances) == pytest.approx(theirs, rel=1e-6, abs=1e-6, nan_ok=True)
            compared += 1
    assert compared > 8


def test_surface_distance_differs_by_up_to_a_pixel(golden_boundary: Golden) -> None:
    case = "circle_shift3"
    predicted, labels, _ = maps(golden_boundary, case)
    distances = surface_distances(predicted[0] == 1, labels[0] == 1)

    for key, measure in (("sd_hd100", hausdorff), ("sd_hd95", hd95), ("sd_asd", assd)):
        theirs = float(np.mean(golden_boundary[f"{case}/cls1/{key}"]))
        assert measure(distances) == pytest.approx(theirs, abs=1)


def test_a_square_moved_by_three_columns() -> None:
    true = torch.zeros(20, 30, dtype=torch.bool)
    true[5:9, 5:9] = True

    distances = surface_distances(true.roll(3, 1), true)

    # The rim of a 4x4 square is 12 pixels. Moved by 3, its last column is 3 off, the two columns
    # before it 2 and 1 (at top and bottom only), its first one lies on the other square's last.
    expected = sorted([3.0] * 4 + [2.0] * 2 + [1.0] * 2 + [0.0] * 4)
    assert sorted(distances.from_predicted_M) == expected
    assert hausdorff(distances) == 3
    assert assd(distances) == pytest.approx(sum(expected) / 12)
    assert hd95(distances) == 3
    in_mm = surface_distances(true.roll(3, 1), true, spacing=(2, 0.5))
    assert hausdorff(in_mm) == 1.5


def test_concentric_circles_are_their_radii_apart() -> None:
    rows, columns = torch.meshgrid(torch.arange(101), torch.arange(101), indexing="ij")
    radius = ((rows - 50) ** 2 + (columns - 50) ** 2).double().sqrt()

    distances = surface_distances(radius <= 40, radius <= 30)

    # A surface pixel lies within one pixel inside its circle.
    assert hausdorff(distances) == pytest.approx(10, abs=1)
    assert assd(distances) == pytest.approx(10, abs=0.5)


def test_volumes_have_a_spacing_of_three() -> None:
    true = torch.zeros(6, 8, 8, dtype=torch.bool)
    true[1:3, 2:6, 2:6] = True

    assert hausdorff(surface_distances(true.roll(2, 0), true, (8, 0.5, 0.5))) == 16
    for spacing in ((1, 1), (1, 1, 0), (1, 1, math.nan)):
        with pytest.raises(ValueError, match="spacing must be 3 positive numbers"):
            surface_distances(true, true, spacing)


def test_the_percentiles_by_hand() -> None:
    distances = SurfaceDistances(np.arange(21.0), np.zeros(21))

    # 42 values, the 95th percentile at index 38.95: between 17 and 18. Alone: index 19 of 0..20.
    assert hd95(distances) == pytest.approx(17.95)
    assert hd95(distances, pooled=False) == 19


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (0, 0)])
def test_policy_a_mask_without_a_surface_has_no_distances(first: int, second: int) -> None:
    predicted, true = (torch.full((4, 5), bool(value)) for value in (first, second))

    distances = surface_distances(predicted, true)

    assert all(math.isnan(measure(distances)) for measure in (hausdorff, hd95, assd))


def test_classes_are_measured_one_by_one_and_void_is_none() -> None:
    predicted, labels = random_maps(images=2)
    predicted = predicted.masked_fill(labels == 255, 255)
    predicted[0][predicted[0] == 0] = 1
    assert (labels[0] == 0).any()

    table_0, table_1 = (
        surface_by_class(one, other, 5, (2.0, 1.0))
        for one, other in zip(predicted, labels, strict=True)
    )

    assert table_0.shape == (5, 3)
    rows, columns = labels.shape[-2:]
    assert table_0[0].tolist() == pytest.approx([math.hypot(2 * (rows - 1), columns - 1)] * 3)
    assert table_0[4].isnan().all()
    distances = surface_distances(predicted[1] == 2, labels[1] == 2, (2.0, 1.0))
    expected = [hausdorff(distances), hd95(distances), assd(distances)]
    assert table_1[2].tolist() == expected


def test_no_distance_exceeds_the_diagonal_that_an_empty_map_gets() -> None:
    corner, other = torch.zeros(2, 3, 4, 5, dtype=torch.int64)
    corner[0, 0, 0] = 1
    other[-1, -1, -1] = 1

    found = surface_by_class(corner, other, 2, (8.0, 0.5, 0.5))
    nothing = surface_by_class(corner * 0, other, 2, (8.0, 0.5, 0.5))

    assert found[1, 0] == nothing[1, 0] == pytest.approx(math.hypot(16, 1.5, 2))
