"""Order and augmentation depend on (seed, epoch, index) alone, not on the number of ranks."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.config import DataConfig
from trainables.data import ImageList, load
from trainables.data.batches import evaluation_batches, training_batches


def images() -> ImageList:
    return load(
        DataConfig(train_images=11, val_images=1, test_images=1, height=16, width=16)
    ).splits["train"]


PAPERS = DataConfig(scale_min=0.5, scale_max=2.0, crop_height=12, crop_width=20, brightness=10)


def epoch_of(ranks: int, epoch: int = 1, config: DataConfig = DataConfig()) -> list[list[Tensor]]:  # noqa: B008
    """For each global batch, its images in order, merged from all ranks."""
    shares = [
        [
            pair[0]
            for pair in training_batches(
                images(), config, batch=4, seed=0, epoch=epoch, rank=rank, ranks=ranks
            )
        ]
        for rank in range(ranks)
    ]
    batches = []
    for parts in zip(*shares, strict=True):
        merged = [torch.empty(0)] * sum(len(part) for part in parts)
        for rank, part in enumerate(parts):
            merged[rank::ranks] = list(part)
        batches.append(merged)
    return batches


@pytest.mark.parametrize("config", [DataConfig(), PAPERS], ids=["flip", "all"])
def test_any_number_of_ranks_sees_the_same_batches(config: DataConfig) -> None:
    one = epoch_of(1, config=config)
    assert [len(batch) for batch in one] == [4, 4]  # 11 images: three wait for the next order
    for ranks in (2, 3):
        for batch, other in zip(one, epoch_of(ranks, config=config), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(batch, other, strict=True))


def test_epochs_differ_and_repeat_exactly() -> None:
    first, again, second = epoch_of(1, 1), epoch_of(1, 1), epoch_of(1, 2)
    assert torch.equal(torch.stack(first[0]), torch.stack(again[0]))
    assert not torch.equal(torch.stack(first[0]), torch.stack(second[0]))


def test_about_half_are_mirrored_with_their_labels() -> None:
    split = images()
    mirrored = 0
    for epoch in range(1, 31):
        for shown, labels, _ in training_batches(
            split, DataConfig(), batch=11, seed=0, epoch=epoch, rank=0, ranks=1
        ):
            for image, label in zip(shown, labels, strict=True):
                plain = [i for i in range(11) if np.array_equal(split.labels_NHW[i], label)]
                flipped = [
                    i for i in range(11) if np.array_equal(split.labels_NHW[i][:, ::-1], label)
                ]
                assert len(plain) + len(flipped) == 1
                mirrored += len(flipped)
                source = torch.from_numpy(split.images_NHWC[(plain or flipped)[0]].copy())
                expected = source.permute(2, 0, 1) / 255
                assert torch.allclose(image, expected.flip(2) if flipped else expected)
    assert 130 < mirrored < 200  # of 330, binomial with p = 1/2: four deviations are 36


def test_evaluation_shows_each_image_once_on_one_rank() -> None:
    for ranks in (1, 2, 3):
        rows = [
            row
            for rank in range(ranks)
            for part, _ in evaluation_batches(images(), batch=2, rank=rank, ranks=ranks)
            for row in part
        ]
        assert sorted(rows) == list(range(11))
