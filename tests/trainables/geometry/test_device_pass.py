"""The distance transform of a GPU, run with tensors of the CPU."""

import pytest
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from trainables.geometry import distance
from trainables.geometry.distance import NO_SITE, device_pass, squared_distance

SHAPES = [(1, 1), (1, 9), (9, 1), (2, 2), (5, 7), (40, 33), (63, 64), (64, 65), (33, 100)]


def random_sites(rows: int, columns: int) -> Tensor:
    """Maps without a site, with one, few, half and all pixels."""
    generator = torch.Generator().manual_seed(rows * 1000 + columns)
    number_HW = torch.rand(rows, columns, generator=generator)
    one_HW = number_HW == number_HW.min()
    shares = (0.01, 0.1, 0.5)
    empty_HW = torch.zeros_like(one_HW)
    return torch.stack([empty_HW, one_HW, *(number_HW < s for s in shares), ~empty_HW])


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_it_is_scipys_transform(rows: int, columns: int) -> None:
    sites_NHW = random_sites(rows, columns)
    found_NHW = device_pass(sites_NHW)
    assert found_NHW.dtype == torch.int32
    assert (found_NHW[0] == NO_SITE).all()
    for sites_HW, found_HW in zip(sites_NHW[1:], found_NHW[1:], strict=True):
        if not sites_HW.any():
            assert (found_HW == NO_SITE).all()
            continue
        expected_HW = torch.from_numpy(distance_transform_edt(~sites_HW.numpy())).square()
        torch.testing.assert_close(found_HW.double(), expected_HW, rtol=1e-12, atol=0)


def test_the_longest_squares_fit() -> None:
    sites_1HW = torch.zeros(1, 2, 32_700, dtype=torch.bool)
    sites_1HW[0, 0, 0] = True
    assert device_pass(sites_1HW)[0, 1, [0, 20_000, 32_699]].tolist() == [
        1,
        400_000_001,
        32_699**2 + 1,
    ]


def test_a_tall_map_is_turned() -> None:
    """And half of the rows that its search visits are beyond the map."""
    sites_1HW = torch.zeros(1, 150, 130, dtype=torch.bool)
    sites_1HW[0, 149, 0] = True
    row_H1, column_W = torch.arange(149, -1, -1).unsqueeze(1), torch.arange(130)
    assert torch.equal(device_pass(sites_1HW)[0].long(), row_H1**2 + column_W**2)


def test_maps_in_parts_are_those_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sites_NHW = random_sites(20, 30)
    together_NHW = device_pass(sites_NHW)
    monkeypatch.setattr(distance, "_PIXELS", 1)
    assert torch.equal(device_pass(sites_NHW), together_NHW)


def test_a_gpu_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sites_NHW = random_sites(20, 30)
    on_cpu_NHW = squared_distance(sites_NHW)
    monkeypatch.setattr(distance, "on_cpu", lambda tensor: False)
    assert torch.equal(squared_distance(sites_NHW), on_cpu_NHW)
    monkeypatch.setattr(distance, "device_pass", lambda sites_NHW: sites_NHW + 7)
    assert torch.equal(squared_distance(sites_NHW), sites_NHW + 7)
