from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from trainables.geometry.distance import NO_SITE, no_site, parabola_pass, squared_distance

Transform = Callable[..., Tensor]
SHAPES = [(1, 1), (1, 9), (9, 1), (5, 7), (40, 33), (33, 100)]


@pytest.mark.parametrize("side", [1024, 1025])
@pytest.mark.parametrize("sites", [1, 3, 40])
def test_squared_distances_are_exact_around_the_size_limit_of_opencv(side: int, sites: int) -> None:
    """Few sites, so that distances are as long as they can be; scipy gives the nearest one."""
    site_HW = np.zeros((64, side), dtype=bool)
    rng = np.random.default_rng(side + sites)
    site_HW[rng.integers(0, 64, sites), rng.integers(0, side, sites)] = True
    nearest_2HW = distance_transform_edt(~site_HW, return_distances=False, return_indices=True)
    expected_HW = ((nearest_2HW - np.indices(site_HW.shape)) ** 2).sum(axis=0)
    for mask_HW, answer_HW in ((site_HW, expected_HW), (site_HW.T, expected_HW.T)):
        found_1HW = squared_distance(torch.from_numpy(mask_HW.copy()).unsqueeze(0))
        np.testing.assert_array_equal(found_1HW[0], answer_HW)


def by_brute_force(sites_HW: np.ndarray) -> np.ndarray:
    """int64: every pixel against every site, one site at a time."""
    rows_HW, columns_HW = np.indices(sites_HW.shape, dtype=np.int64)
    nearest_HW = np.full(sites_HW.shape, NO_SITE, dtype=np.int64)
    for row, column in np.argwhere(sites_HW):
        np.minimum(nearest_HW, (rows_HW - row) ** 2 + (columns_HW - column) ** 2, out=nearest_HW)
    return nearest_HW


@pytest.fixture(params=[0, 2], ids=["opencv_alone", "opencv_in_threads"])
def _opencv_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """On one thread, OpenCV would let IPP compute a transform."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(request.param)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("_opencv_threads")
@pytest.mark.parametrize("sites", [1, 2, 12])
@pytest.mark.parametrize("size", [(1024, 1024), (887, 1023), (1500, 2000)])
def test_long_distances_are_exact_integers(size: tuple[int, int], sites: int) -> None:
    site_HW = np.zeros(size, dtype=bool)
    rng = np.random.default_rng(sites)
    site_HW[rng.integers(0, size[0], sites - 1), rng.integers(0, size[1], sites - 1)] = True
    site_HW[0, 0] = True  # the corner opposite is as far away as a pixel can be
    expected_HW = by_brute_force(site_HW)
    found_1HW = squared_distance(torch.from_numpy(site_HW).unsqueeze(0))
    assert found_1HW.dtype == torch.int32
    np.testing.assert_array_equal(found_1HW[0], expected_HW)


def test_the_parabola_pass_of_a_gpu_is_exact_over_long_distances() -> None:
    site_HW = np.zeros((600, 800), dtype=bool)
    site_HW[[0, 500], [0, 10]] = True
    found_1HW = parabola_pass(torch.from_numpy(site_HW).unsqueeze(0))
    np.testing.assert_array_equal(found_1HW[0], by_brute_force(site_HW))


def test_opencv_is_left_as_it_was() -> None:
    sites = torch.zeros(1, 400, 400, dtype=torch.bool)
    sites[0, 0, 0] = True
    before = cv2.ipp.useIPP()
    squared_distance(sites)
    assert cv2.ipp.useIPP() == before


def test_maps_too_long_for_their_squares_are_refused() -> None:
    """Squared distances above 2**30 would be those of a map without a site."""
    sites = torch.zeros(1, 1, 32_767, dtype=torch.bool)
    with pytest.raises(ValueError, match="must have a diagonal of at most 32767, got 32768"):
        squared_distance(F.pad(sites, (0, 2)))
    with pytest.raises(ValueError, match="must have a diagonal of at most 32767, got 40000"):
        squared_distance(torch.zeros(1, 3, 5, dtype=torch.bool), (0.0, 1e4))
    sites[0, 0, 0] = True
    assert squared_distance(sites)[0, 0, -1] == 32_766**2


def random_sites(rows: int, columns: int, share: float) -> Tensor:
    generator = torch.Generator().manual_seed(rows * 1000 + columns)
    return torch.rand(3, rows, columns, generator=generator) < share


def brute_force(sites_NHW: Tensor) -> Tensor:
    """Every pixel against every site."""
    answers = []
    for sites_HW in sites_NHW:
        sites = sites_HW.nonzero()
        pixels = torch.ones_like(sites_HW).nonzero()
        offsets = pixels[:, None] - sites[None]
        nearest = offsets.square().sum(dim=2).amin(dim=1) if len(sites) else torch.tensor(NO_SITE)
        answers.append(nearest.expand(len(pixels)).view(sites_HW.shape))
    return torch.stack(answers)


@pytest.mark.parametrize("transform", [squared_distance, parabola_pass])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_the_squared_distance_is_to_the_nearest_site(
    rows: int, columns: int, share: float, transform: Transform
) -> None:
    sites_NHW = random_sites(rows, columns, share)
    torch.testing.assert_close(
        transform(sites_NHW), brute_force(sites_NHW), check_dtype=False, rtol=0, atol=0
    )


@pytest.mark.parametrize("corner", [(0, 0), (31, 31), (0, 31)])
def test_sites_as_far_apart_as_close_ones_may_be(corner: tuple[int, int]) -> None:
    """One site in every other block of 32 pixels: the 16-bit pass at its limit."""
    sites = torch.zeros(1, 192, 256, dtype=torch.bool)
    sites[:, corner[0] :: 64, corner[1] :: 64] = True
    expected = distance_transform_edt(~sites[0].numpy()) ** 2
    np.testing.assert_array_equal(squared_distance(sites)[0], expected.round())


def test_long_rows_do_not_overflow() -> None:
    sites = torch.zeros(1, 2, 40_000, dtype=torch.bool)
    sites[0, 0, 0] = True
    assert parabola_pass(sites)[0, 1, [0, 20_000, 39_999]].tolist() == [1, 400_000_001, NO_SITE]


def test_a_single_site_by_hand() -> None:
    sites = torch.zeros(1, 2, 4, dtype=torch.bool)
    sites[0, 0, 1] = True
    assert squared_distance(sites).tolist() == [[[1, 0, 1, 4], [2, 1, 2, 5]]]


@pytest.mark.parametrize("transform", [squared_distance, parabola_pass])
@pytest.mark.parametrize("share", [0.002, 0.2])
def test_spacing_stretches_the_axes_as_in_scipy(share: float, transform: Transform) -> None:
    sites_NHW = random_sites(40, 70, share)
    sites_NHW[:, 3, 3] = True
    expected = [distance_transform_edt(~s.numpy(), sampling=(0.97, 2.5)) for s in sites_NHW]
    actual = transform(sites_NHW, (0.97, 2.5)).sqrt().numpy()
    np.testing.assert_allclose(actual, np.stack(expected), rtol=1e-12)


def test_maps_without_sites_are_named() -> None:
    sites = torch.zeros(2, 3, 4, dtype=torch.bool)
    sites[1, 2, 0] = True
    assert no_site(sites).flatten().tolist() == [True, False]
    assert (squared_distance(sites)[0] == NO_SITE).all()


def test_sites_must_be_maps_of_bool() -> None:
    with pytest.raises(ValueError, match=r"sites_NHW must be bool of shape \(N,H,W\), got"):
        squared_distance(torch.zeros(3, 4, 5))
    with pytest.raises(ValueError, match="sites_NHW"):
        squared_distance(torch.zeros(4, 5, dtype=torch.bool))
