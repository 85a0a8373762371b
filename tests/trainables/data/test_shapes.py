"""The built-in dataset: the same everywhere, with every feature that it promises."""

import numpy as np

from trainables.config import DataConfig
from trainables.data import load
from trainables.data.layouts import shapes
from trainables.geometry.boundaries import VOID


def test_a_scene_is_a_function_of_its_arguments() -> None:
    image_HWC, labels_HW = shapes.scene("train", 3, 48, 64)
    again_HWC, again_HW = shapes.scene("train", 3, 48, 64)
    assert np.array_equal(image_HWC, again_HWC)
    assert np.array_equal(labels_HW, again_HW)
    for split, index in (("val", 3), ("train", 4)):
        other_HWC, _ = shapes.scene(split, index, 48, 64)
        assert not np.array_equal(image_HWC, other_HWC)


def test_scenes_have_every_class_and_a_void_rim() -> None:
    labels = load(DataConfig(train_images=12, val_images=1, test_images=1)).splits["train"]
    labels_NHW = labels.labels_NHW
    assert set(np.unique(labels_NHW)) == {*range(len(shapes.CLASSES)), VOID}
    void_HW = (labels_NHW == VOID).all(axis=0)
    rim_HW = np.ones_like(void_HW)
    rim_HW[shapes.RIM_PX : -shapes.RIM_PX, shapes.RIM_PX : -shapes.RIM_PX] = False
    assert np.array_equal(void_HW, rim_HW)


def test_poles_and_wires_are_thin() -> None:
    """An erosion by one pixel removes a wire and leaves most of a disk."""
    labels_NHW = (
        load(DataConfig(train_images=12, val_images=1, test_images=1)).splits["train"].labels_NHW
    )
    inner = {}
    for label in (1, 5):
        mask = labels_NHW == label
        eroded = mask[:, 1:-1, 1:-1].copy()
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                rows = slice(1 + down, mask.shape[1] - 1 + down)
                columns = slice(1 + right, mask.shape[2] - 1 + right)
                eroded &= mask[:, rows, columns]
        inner[label] = eroded.sum() / mask.sum()
    assert inner[5] < 0.02
    assert inner[1] > 0.6


def test_the_digest_is_the_content() -> None:
    few = DataConfig(train_images=2, val_images=1, test_images=1, height=32, width=32)
    assert load(few).digest == load.__wrapped__(few).digest
    more = DataConfig(train_images=3, val_images=1, test_images=1, height=32, width=32)
    assert load(few).digest != load(more).digest
