"""Crops that SegFix's network learns from.

Shape letters: H rows, W columns, S crop side.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from trainables.config import DataConfig, SegFixConfig
from trainables.data import load
from trainables.data.dataset import ImageList
from trainables.refinement import segfix
from trainables.stages.segfix import crops

SETTINGS = SegFixConfig(crop=32)


@pytest.fixture(scope="module")
def train() -> ImageList:
    config = DataConfig(train_images=6, val_images=3, test_images=2)
    return load(config).splits["train"]


def crops_of(images: ImageList, settings: SegFixConfig, seed: int) -> crops.Crops:
    return crops.draw(images, 6, settings, Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("variant", "distance"), [("paper", 5.0), ("paper", 40.0), ("released", 5.0)]
)
def test_a_crop_has_the_targets_of_its_image(
    variant: str, distance: float, train: ImageList
) -> None:
    """Near boundaries those of the complete image, mirrored with it; its pixels find its place."""
    settings = replace(SETTINGS, variant=variant, distance=distance, batch=8)  # type: ignore[arg-type]
    codes = np.arange(train.labels_NHW[0].size).reshape(train.labels_NHW[0].shape)
    coded = np.stack([codes // 256, codes % 256, np.zeros_like(codes)], axis=-1)
    one = replace(train.first(1), images_NHWC=np.stack([coded]).astype(np.float32), names=("one",))
    found = crops_of(one, settings, 1)
    labels_1HW = torch.from_numpy(one.labels_NHW[:1]).long()
    whole = crops.learnt(labels_1HW, 6, settings)
    mirrored = crops.learnt(labels_1HW, 6, settings, mirror=True)
    seen = set()
    for image_CSS, near_SS, direction_SS in zip(*found, strict=True):
        place_SS = (image_CSS[0] * 256 + image_CSS[1]).long()
        row_SS, column_SS = place_SS // codes.shape[1], place_SS % codes.shape[1]
        mirror = bool(column_SS[0, 0] > column_SS[0, 1])
        seen.add(mirror)
        true = mirrored if mirror else whole
        column_SS = codes.shape[1] - 1 - column_SS if mirror else column_SS
        assert torch.equal(near_SS, true.near_BHW[0, row_SS, column_SS])
        close_SS = near_SS == segfix.NEAR
        expected_SS = true.direction_BHW[0, row_SS, column_SS]
        assert torch.equal(direction_SS[close_SS], expected_SS[close_SS])
    assert seen == {False, True}


def test_a_smaller_image_is_filled_up_with_what_is_not_learned(train: ImageList) -> None:
    settings = replace(SETTINGS, crop=128, batch=4)
    found = crops_of(train, settings, 0)
    rows, columns = train.size or (0, 0)
    assert found.images_BCSS.shape == (4, 3, 128, 128)
    assert rows < 128
    assert (found.near_BSS[:, rows:] == segfix.UNKNOWN).all()
    assert (found.near_BSS[:, :rows, :columns] != segfix.UNKNOWN).any()
