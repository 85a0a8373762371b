import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.geometry.boundaries import VOID
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


def by_brute_force(labels_HW: Tensor, own: int) -> list[list[float]]:
    """Half a pixel less than the distance to the class outside, half one less to the rest inside.

    Zero everywhere where the class or the rest has no pixel.
    """
    inside, valid = labels_HW == own, labels_HW != VOID
    sites, rest = inside.nonzero(), (valid & ~inside).nonzero()
    phi = torch.zeros(labels_HW.shape)
    if len(sites) and len(rest):
        for pixel in torch.ones_like(labels_HW).nonzero():
            others, sign = (rest, -1) if inside[tuple(pixel)] else (sites, 1)
            square = ((others - pixel) ** 2).sum(1).min()
            phi[tuple(pixel)] = sign * (square.float().sqrt() - 0.5)
    return phi.tolist()


@pytest.mark.parametrize("void", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("num_classes", [1, 2, 4])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 7), (8, 13), (13, 8)])
def test_signed_distance_by_brute_force(
    rows: int, columns: int, num_classes: int, void: float
) -> None:
    generator = torch.Generator().manual_seed(num_classes)
    labels = torch.randint(0, num_classes, (2, rows, columns), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < void] = VOID
    labels[1, rows // 2 :] = 0
    expected = [[by_brute_force(image, own) for own in range(num_classes)] for image in labels]
    assert signed_distance(labels, num_classes).tolist() == expected


def test_settings_of_the_other_variant_are_refused() -> None:
    labels = torch.zeros(1, 2, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match="spacing must be"):
        signed_distance(labels, 2, spacing=(1.0, 2.0))
    with pytest.raises(ValueError, match="truncate must be"):
        signed_distance(labels, 2, truncate=True)
