import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.geometry.boundaries import VOID
from trainables.geometry.distance import NO_SITE
from trainables.geometry.other_class import _around_void, squared_distance_to_other_class
from trainables.geometry.signed_distance import signed_distance

GOLDEN = golden.load("boundary_loss")
MAPS = {
    "dist_int": (True, (1.0, 1.0)),
    "dist_float": (False, (1.0, 1.0)),
    "dist_float_res0.97_2.5": (False, (0.97, 2.5)),
}


@golden.needs_golden
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("case", golden.keys_of(GOLDEN, "/target"))
def test_released_maps_equal_the_authors(case: str, name: str) -> None:
    truncate, spacing = MAPS[name]
    labels = golden.labels(GOLDEN[f"{case}/target"])
    expected = GOLDEN[f"{case}/{name}"]
    phi = signed_distance(
        labels, expected.shape[1], variant="released", truncate=truncate, spacing=spacing
    )
    np.testing.assert_array_equal(phi.numpy(), expected.astype(np.float32))


def test_convention_sign_unit_and_empty_mask() -> None:
    phi = signed_distance(torch.tensor([[[0, 1, 1, 1, 0]]]), 3)
    assert phi[0, 1].tolist() == [[0.5, -0.5, -1.5, -0.5, 0.5]]  # the edge runs between pixels
    assert phi[0, 0].tolist() == [[-0.5, 0.5, 1.5, 0.5, -0.5]]
    assert not phi[0, 2].any()  # absent: no boundary, no supervision


def test_a_class_that_fills_the_image_has_no_boundary_even_beside_void() -> None:
    labels = torch.full((1, 4, 5), 1)
    labels[0, :, 3:] = VOID
    assert not signed_distance(labels, 2).any()


def test_void_is_outside_of_every_class_and_no_boundary() -> None:
    phi = signed_distance(torch.tensor([[[0, 0, VOID, 1]]]), 2)
    assert phi[0, 0].tolist() == [[-2.5, -1.5, 0.5, 1.5]]
    assert phi[0, 1].tolist() == [[2.5, 1.5, 0.5, -1.5]]


def test_the_variants_differ_by_half_a_pixel() -> None:
    labels = torch.zeros(1, 6, 8, dtype=torch.int64)
    labels[0, 2:5, 3:6] = 1
    paper, released = (signed_distance(labels, 2, variant=v) for v in ("paper", "released"))
    torch.testing.assert_close(released - paper, torch.full_like(paper, 0.5))


def nearest_other(labels_HW: Tensor, row: int, column: int) -> int:
    others = ((labels_HW != VOID) & (labels_HW != labels_HW[row, column])).nonzero()
    return min(((others - torch.tensor([row, column])) ** 2).sum(1).tolist(), default=NO_SITE)


@pytest.mark.parametrize("void", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("num_classes", [1, 2, 4])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 7), (8, 13), (13, 8)])
def test_distance_to_another_class_by_brute_force(
    rows: int, columns: int, num_classes: int, void: float
) -> None:
    generator = torch.Generator().manual_seed(num_classes)
    labels = torch.randint(0, num_classes, (2, rows, columns), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < void] = VOID
    expected = [
        [
            [0 if label == VOID else nearest_other(image, r, c) for c, label in enumerate(line)]
            for r, line in enumerate(image.tolist())
        ]
        for image in labels
    ]
    assert squared_distance_to_other_class(labels).tolist() == expected
    if rows <= columns:  # the way of a GPU, which does not ask whether there is void
        narrow = labels.to(torch.int32)
        assert _around_void(narrow, narrow == VOID).tolist() == expected


def test_settings_of_the_other_variant_are_refused() -> None:
    labels = torch.zeros(1, 2, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match="spacing must be"):
        signed_distance(labels, 2, spacing=(1.0, 2.0))
    with pytest.raises(ValueError, match="truncate must be"):
        signed_distance(labels, 2, truncate=True)
