"""Rotation, elastic deformation and grid distortion, against the same moved pixel by pixel."""

import numpy as np
import pytest
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data.augment import augment, augmented_maps, is_off
from trainables.data.batches import ready
from trainables.data.draw import Draw
from trainables.data.images import Size
from trainables.data.maps import Maps
from trainables.data.warp import GREY, Draws, interpolated, nearest, places_at, places_of
from trainables.geometry.boundaries import VOID

DRAW = Draw.of(3, 1, 4)


class Turn:
    """Draws that turn by the largest angle."""

    def generator(self, purpose: str) -> np.random.Generator:
        class Largest(np.random.Generator):
            def uniform(self, low: float = 0.0, high: float = 1.0, size: object = None) -> float:  # type: ignore[override]
                return high

        return Largest(np.random.PCG64(0))


def warp(
    image: NDArray[np.generic],
    labels: NDArray[np.uint8],
    config: DataConfig,
    size: Size,
    corner: tuple[int, int],
    draws: Draws,
) -> tuple[NDArray[np.generic], NDArray[np.uint8]]:
    places = places_at(corner, config, size, draws)
    return interpolated(image, places), nearest(labels, places, VOID)


def pair(rows: int = 21, columns: int = 30) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    return image, draw.integers(0, 5, (rows, columns), dtype=np.uint8)


def looked_up(labels: NDArray[np.uint8], size: Size, config: DataConfig) -> NDArray[np.uint8]:
    """Each pixel's label by its place, one by one; void outside."""
    x, y = places_of(config, size, DRAW)
    found = np.full(size, VOID, dtype=np.uint8)
    for row, column in np.ndindex(size):
        down, right = round(float(y[row, column])), round(float(x[row, column]))
        if 0 <= down < labels.shape[0] and 0 <= right < labels.shape[1]:
            found[row, column] = labels[down, right]
    return found


@pytest.mark.parametrize(
    "config",
    [
        DataConfig(rotate=40),
        DataConfig(elastic=4),
        DataConfig(grid_distortion=0.5),
        DataConfig(rotate=90, elastic=3, grid_distortion=0.3),
    ],
)
def test_labels_are_those_of_the_nearest_pixel(config: DataConfig) -> None:
    image, labels = pair()
    _, found = warp(image, labels, config, labels.shape, (0, 0), DRAW)
    expected = looked_up(labels, labels.shape, config)
    # OpenCV rounds places to 1/32 px, so that a place between two pixels may go to either.
    assert (found == expected).mean() > 0.97
    assert not np.array_equal(found, labels)
    assert set(np.unique(found)) <= {*range(5), VOID}


@pytest.mark.parametrize(("degrees", "turns"), [(90.0, 1), (180.0, 2)])
def test_a_right_angle_turns_a_square_exactly(degrees: float, turns: int) -> None:
    image, labels = pair(25, 25)
    turned, found = warp(image, labels, DataConfig(rotate=degrees), (25, 25), (0, 0), Turn())
    assert np.array_equal(found, np.rot90(labels, turns))
    assert np.abs(turned.astype(int) - np.rot90(image, turns)).max() <= 1


def test_outside_is_grey_and_void() -> None:
    image, labels = pair()
    turned, found = warp(image, labels, DataConfig(rotate=90), (21, 30), (0, 0), Turn())
    assert (found[:, :4] == VOID).all()
    assert (turned[:, :4] == GREY).all()


def test_the_grid_keeps_its_ends_and_never_folds() -> None:
    x, y = places_of(DataConfig(grid_distortion=0.9), (40, 61), DRAW)
    assert (np.diff(x, axis=1) > 0).all()
    assert (np.diff(y, axis=0) > 0).all()
    np.testing.assert_allclose((x[0, 0], x[0, -1], y[0, 0], y[-1, 0]), (0, 60, 0, 39), atol=1e-4)


def test_elastic_displacements_have_the_given_deviation() -> None:
    """At the middle one of the 3 x 3 places the field is the place's own number."""
    config = DataConfig(elastic=10)
    moved = []
    for index in range(400):
        x, y = places_of(config, (33, 33), Draw.of(0, 1, index))
        moved += [x[16, 16] - 16, y[16, 16] - 16]
    assert np.mean(moved) == pytest.approx(0, abs=1.5)
    assert np.std(moved) == pytest.approx(10, rel=0.1)


def test_a_crop_is_part_of_the_deformed_plane_and_full_where_the_image_goes_on() -> None:
    """A crop that is turned shows what lies beside it, not void."""
    image, labels = pair(80, 90)
    _, found = warp(image, labels, DataConfig(rotate=30), (20, 20), (30, 35), DRAW)
    assert (found != VOID).all()


@pytest.mark.parametrize("bands", [1, 4, 5, 9])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_any_number_of_bands_moves_as_one_does(bands: int, kind: type[np.generic]) -> None:
    image, labels = pair()
    deep = np.repeat(image[..., :1], bands, axis=2).astype(kind)
    moved, _ = warp(deep, labels, DataConfig(rotate=30), (21, 30), (0, 0), DRAW)
    assert moved.shape == (21, 30, bands)
    assert moved.dtype == kind
    assert (moved == moved[..., :1]).all()


@pytest.mark.parametrize(
    "name", ["flip_vertical", "rotate", "elastic", "grid_distortion", "color_jitter"]
)
def test_each_is_off_by_default_and_a_function_of_seed_epoch_and_index(name: str) -> None:
    assert is_off(DataConfig())
    config = DataConfig(flip=False, **{name: True if name == "flip_vertical" else 0.5})  # type: ignore[arg-type]
    assert not is_off(config)
    image, labels = pair()
    draws = [Draw.of(0, 1, index) for index in range(6)]
    images, maps, _ = ready(augmented_maps([image] * 6, [labels] * 6, config, draws))
    for place in (5, 0, 3):  # in another order, alone
        alone, its, _ = ready(augmented_maps([image], [labels], config, [Draw.of(0, 1, place)]))
        assert bool((alone[0] == images[place]).all())
        assert bool((its[0] == maps[place]).all())
    assert any(bool((images[0] != other).any()) for other in images[1:])


def test_what_one_augmentation_draws_changes_no_other() -> None:
    image, labels = pair()
    one, both = DataConfig(flip=False, rotate=20), DataConfig(flip=False, rotate=20, color_jitter=1)
    maps = []
    for config in (one, both):
        _, moved, _ = ready(augmented_maps([image], [labels], config, [DRAW]))
        maps.append(moved)
    assert bool((maps[0] == maps[1]).all())


def test_colours_stay_where_there_is_no_strength_and_need_rgb() -> None:
    import torch

    from trainables.data.dataset import DataError

    deep = torch.zeros(4, 8, 8, dtype=torch.uint8)
    labels = torch.zeros(8, 8, dtype=torch.uint8)
    with pytest.raises(DataError, match="data/color_jitter must be 0 for images that are not RGB"):
        augment(Maps(deep, labels), DataConfig(color_jitter=0.5), DRAW)
    grey = torch.full((3, 8, 8), 77, dtype=torch.uint8)
    found = augment(Maps(grey, labels), DataConfig(color_jitter=1.0), DRAW).image_CHW
    # An even grey has no contrast, no saturation and no hue; torchvision rounds its mean down.
    assert int((found.int() - 77).abs().max()) <= 1


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("rotate", 181.0, "0 .. 180"),
        ("elastic", -1.0, "0 .. 1000"),
        ("grid_distortion", 1.0, "0 .. 0.9"),
        ("color_jitter", 1.5, "0 .. 1"),
    ],
)
def test_a_value_out_of_its_range_is_one_line(name: str, value: float, allowed: str) -> None:
    with pytest.raises(ValueError, match=f"data/{name} must be {allowed}, got {value}"):
        DataConfig(**{name: value})  # type: ignore[arg-type]
