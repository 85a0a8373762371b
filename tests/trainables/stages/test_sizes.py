"""Stages on lists whose images differ in size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from trainables.config import TrialConfig
from trainables.data import Dataset, ImageList, load
from trainables.data.images import indexed_as_array, joined
from trainables.geometry.boundaries import VOID, eight_neighbour_boundary, sobel_boundary
from trainables.stages import registry
from trainables.stages.edge_net import training as edge_training
from trainables.stages.inverse_net import training as inverse_training
from trainables.stages.inverse_net.tile_pairs import TileSource
from trainables.stages.segfix import training as segfix_training
from trainables.stages.sheet import sheet
from trainables.stages.work import Work

CONFIG = TrialConfig().changed(
    {
        "data/height": 40,
        "data/width": 50,
        "data/train_images": 6,
        "data/val_images": 3,
        "data/test_images": 1,
        "data/crop_height": 24,
        "data/crop_width": 24,
        "loss/gamma": 1.0,
        "loss/tile": 16,
        "edge_net/steps": 3,
        "edge_net/crop": 20,
        "inverse_net/steps": 3,
    }
)


@pytest.fixture(scope="module")
def cut() -> Dataset:
    """Scenes whose right and lower parts are cut off, each by another amount."""
    dataset = load(CONFIG.data.unaugmented())

    def smaller(images: ImageList) -> ImageList:
        sizes = [(40 - 7 * (row % 4), 50 - 11 * (row % 3)) for row in range(len(images))]
        pairs = list(zip(images.images_NHWC, images.labels_NHW, sizes, strict=True))
        return replace(
            images,
            images_NHWC=joined([image[:rows, :columns] for image, _, (rows, columns) in pairs]),
            labels_NHW=joined([labels[:rows, :columns] for _, labels, (rows, columns) in pairs]),
        )

    splits = {split: smaller(images) for split, images in dataset.splits.items()}
    return replace(dataset, splits=splits)


def test_maps_lie_below_each_other() -> None:
    maps = [torch.full(size, value) for value, size in enumerate([(2, 3), (1, 1)], start=1)]
    found = sheet(maps, 9, rim=1, least=(2, 1))
    assert found.map_RC.tolist() == [
        [9, 9, 9, 9, 9],
        [9, 1, 1, 1, 9],
        [9, 1, 1, 1, 9],
        [9, 9, 9, 9, 9],
        [9, 9, 9, 9, 9],
        [9, 2, 9, 9, 9],
        [9, 9, 9, 9, 9],
        [9, 9, 9, 9, 9],
    ]
    assert found.tops_N.tolist() == [1, 5]


def test_every_tile_is_a_part_of_one_image(cut: Dataset) -> None:
    """Found again in the boundaries of one image, which are blank outside it."""
    tile = 16
    source = TileSource(cut, "train", tile)
    maps = []
    for row in range(len(cut.splits["train"])):
        labels_1HW = torch.tensor(cut.splits["train"].labels_NHW[row]).long()[None]
        boundary = sobel_boundary(labels_1HW, cut.num_classes)[0].float()
        padded = torch.nn.functional.pad(boundary, (2 * tile,) * 4)
        maps.append(padded.unfold(0, 2 * tile, 1).unfold(1, 2 * tile, 1).flatten(0, 1))
    windows = torch.cat(maps)
    for context in source.contexts(25, Generator().manual_seed(0)):
        assert (windows == context).all(dim=(1, 2)).any()
        assert source.centre(context[None]).any()


def test_every_crop_is_a_part_of_one_image_filled_with_void(cut: Dataset) -> None:
    settings = CONFIG.edge_net
    crops = edge_training._Crops(cut, settings)
    train = cut.splits["train"]
    holders = []
    for crop in crops.draw(Generator().manual_seed(0))[:12]:
        assert crop.shape == (20, 20)
        assert eight_neighbour_boundary(crop[None]).any()
        holders.append([row for row in range(6) if _holds(train.labels_NHW[row], crop.numpy())])
    assert all(holders)
    assert len({rows[0] for rows in holders}) > 2, "crops come from all images"


def _holds(labels: np.ndarray, crop: np.ndarray) -> bool:
    below, right = (max(20 - side, 0) for side in labels.shape)
    filled = np.pad(labels, ((0, below), (0, right)), constant_values=VOID)
    windows = np.lib.stride_tricks.sliding_window_view(filled, (20, 20))
    return bool((windows == crop).all(axis=(2, 3)).any())


def test_both_stages_train_on_them(cut: Dataset) -> None:
    for kind in registry.KINDS:
        registry.check(kind, CONFIG, cut)
    assert inverse_training.train(CONFIG, cut).quality["nearer_share"] >= 0
    assert edge_training.train(CONFIG, cut).quality["f_clean"] >= 0
    with pytest.raises(ValueError, match="loss/tile must be at most 24"):
        registry.check("inverse_net", CONFIG.changed({"loss/tile": 32}), cut)


def test_segfix_trains_on_them(cut: Dataset) -> None:
    few = {"segfix/steps": 1, "segfix/batch": 2, "segfix/crop": 32, "segfix/width": 4}
    quality = segfix_training.train(CONFIG.changed(few), cut, Work()).quality
    assert 0 <= quality["boundary_iou"] <= 1


class _OnAccess:
    """Labels that are no array: indexed alone, as a streamed list's are."""

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels
        self.sizes_N2 = np.full((len(labels), 2), labels.shape[1:])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice) -> np.ndarray:
        return self.labels[index]


def test_a_list_read_on_access_gives_the_stages_of_one_in_memory() -> None:
    dataset = load(CONFIG.data.unaugmented())
    train = dataset.splits["train"]
    streamed = replace(train, labels_NHW=indexed_as_array(_OnAccess(train.labels_NHW)))
    other = replace(dataset, splits={**dataset.splits, "train": streamed})
    for train_stage in (edge_training.train, inverse_training.train):
        states = [train_stage(CONFIG, data).network.state_dict() for data in (dataset, other)]
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
