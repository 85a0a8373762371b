"""Augmentation: image and labels move together, and what is drawn is within the config's bounds."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.config import DataConfig, TrialConfig
from trainables.data.augment import augment, is_off
from trainables.data.draw import Draw
from trainables.data.maps import Maps
from trainables.geometry.boundaries import VOID

STILL = Draw(flip=0.9, scale=0.5, top=0.0, left=0.0, brightness=0.5)


def squares(rows: int = 40, columns: int = 60) -> tuple[Tensor, Tensor]:
    """Labels in blocks of ten pixels; the image's red is 20 times the label."""
    y, x = np.mgrid[:rows, :columns] // 10
    labels = torch.from_numpy(((y + 2 * x) % 11).astype(np.uint8))
    image = torch.stack((labels * 20, torch.zeros_like(labels), torch.zeros_like(labels)))
    return image, labels


def moved(image: Tensor, labels: Tensor, config: DataConfig, draw: Draw) -> tuple[Tensor, Tensor]:
    return augment(Maps(image, labels), config, draw)[:2]


def test_nothing_is_changed_by_default() -> None:
    image, labels = squares()
    assert is_off(DataConfig())
    same, also = moved(image, labels, DataConfig(flip=False), Draw.of(0, 1, 2))
    assert torch.equal(image, same)
    assert torch.equal(labels, also)


@pytest.mark.parametrize("seed", range(8))
def test_image_and_labels_stay_together(seed: int) -> None:
    """Red is still 20 times the label, except at block edges, where the image is interpolated."""
    config = DataConfig(scale_min=0.5, scale_max=2.0, crop_height=32, crop_width=48)
    image, labels = moved(*squares(), config, Draw.of(seed, 1, 0))
    assert labels.shape == (32, 48)
    valid = labels != VOID
    right = (image[0].int() - 20 * labels.int()).abs() <= 2
    assert right[valid].float().mean() > 0.55
    assert (image[:, ~valid] == 124).all()


def test_halving_leaves_void_at_the_right_and_bottom_only() -> None:
    config = DataConfig(scale_min=0.5, scale_max=0.5)
    _, labels = moved(*squares(), config, STILL)
    assert (labels[:20, :30] != VOID).all()
    assert (labels[20:] == VOID).all()
    assert (labels[:, 30:] == VOID).all()
    assert torch.equal(labels[:20, :30], squares()[1][::2, ::2])


@pytest.mark.parametrize(("draw", "scale"), [(0.0, 0.5), (1 / 3, 1.0), (1.0, 2.0)])
def test_the_scale_is_drawn_evenly(draw: float, scale: float) -> None:
    config = DataConfig(scale_min=0.5, scale_max=2.0, crop_height=80, crop_width=120)
    _, labels = moved(*squares(), config, Draw(0.9, draw, 0.0, 0.0, 0.5))
    assert int((labels != VOID).sum()) == 40 * 60 * scale**2


def test_a_crop_may_lie_anywhere_and_nowhere_else() -> None:
    config = DataConfig(crop_height=39, crop_width=58, flip=False)
    rows, columns = np.mgrid[:40, :60]
    labels = torch.from_numpy((rows * 3 + columns * 7).astype(np.uint8))
    corners = set()
    for index in range(60):
        _, cut = moved(squares()[0], labels, config, Draw.of(0, 1, index))
        assert cut.shape == (39, 58)
        corners.add(int(cut[0, 0]))
    assert corners == {3 * top + 7 * left for top in range(2) for left in range(3)}


def test_brightness_shifts_within_its_bounds() -> None:
    image = torch.full((3, 4, 4), 240, dtype=torch.uint8)
    labels = torch.zeros((4, 4), dtype=torch.uint8)
    config = DataConfig(brightness=20)
    seen = [int(moved(image, labels, config, Draw.of(0, 1, i))[0][0, 0, 0]) for i in range(200)]
    assert 220 <= min(seen) < 223
    assert max(seen) == 255  # not beyond white


def test_a_draw_is_a_function_of_seed_epoch_and_index() -> None:
    assert Draw.of(1, 2, 3) == Draw.of(1, 2, 3)
    assert len({Draw.of(1, 2, 3), Draw.of(0, 2, 3), Draw.of(1, 3, 3), Draw.of(1, 2, 4)}) == 4


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("data/scale_min", 0.0, "data/scale_min must be 0.1 .. 10, got 0.0"),
        ("data/scale_max", 0.5, "data/scale_max must be scale_min .. 10, got 0.5"),
        ("data/brightness", -1.0, "data/brightness must be 0 .. 255, got -1.0"),
        ("data/holdout", 1, "data/holdout must be -1, 0 or >= 2, got 1"),
        ("data/cache", "maybe", "data/cache must be one of auto, on, off, got 'maybe'"),
    ],
)
def test_a_value_out_of_its_range_is_one_line(path: str, value: float | str, words: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        TrialConfig().changed({path: value})
    assert str(caught.value) == words
