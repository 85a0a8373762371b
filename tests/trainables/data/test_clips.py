"""Clips: which frames they have, that these are augmented alike, and that ranks get whole ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainables.films import dataset, films
from trainables.config import DataConfig
from trainables.data import DataError
from trainables.data.batches import Epoch, training_batches
from trainables.data.clips import frames_of_clip, require_clips
from trainables.data.draw import Draw
from trainables.data.films import film
from trainables.data.lists import EXTRA
from trainables.data.loader import Loaders

EPOCH = Epoch(batch=4, seed=3, epoch=2, rank=0, ranks=1)
CLIPS = DataConfig(clip=3, clip_skip=3)


def test_a_clip_has_frames_of_one_film_in_order_and_near_each_other() -> None:
    names = films((3, 20, 4)).names
    steps = set()
    for row in range(len(names)):
        for seed in range(20):
            frames = frames_of_clip(names, CLIPS, row, Draw.of(seed, 1, row))
            assert {film(names[frame]) for frame in frames} == {film(names[row])}
            assert frames[0] <= row
            assert frames[0] == row or frames[0] + 3 == frames[-1] + 1  # moved back from the end
            steps |= {*np.diff(frames).tolist()}
    assert steps == {1, 2, 3}


def test_a_clip_depends_on_seed_epoch_and_index_alone() -> None:
    names = films((30,)).names
    drawn = [frames_of_clip(names, CLIPS, 4, Draw.of(*key)) for key in [(0, 1, 4)] * 2]
    assert drawn[0] == drawn[1]
    others = {tuple(frames_of_clip(names, CLIPS, 4, Draw.of(0, epoch, 4))) for epoch in range(30)}
    assert len(others) > 4


def test_all_frames_of_a_clip_are_augmented_alike() -> None:
    """Frames with the same pixels stay the same however they are scaled, cropped and coloured."""
    still = films((6, 6))
    images = np.concatenate([np.repeat(still.images_NHWC[i : i + 1], 6, axis=0) for i in (0, 6)])
    labels = np.concatenate([np.repeat(still.labels_NHW[i : i + 1], 6, axis=0) for i in (0, 6)])
    config = replace(
        CLIPS, scale_min=0.5, scale_max=2.0, crop_height=20, crop_width=24, rotate=20.0,
        color_jitter=0.5, brightness=10.0, flip_vertical=True,
    )  # fmt: skip
    made = list(
        training_batches(replace(still, images_NHWC=images, labels_NHW=labels), config,
                         **vars(EPOCH))
    )  # fmt: skip
    assert len(made) == 3
    clips = torch.cat([batch.images_BCHW.unflatten(0, (4, 3)) for batch in made])
    masks = torch.cat([batch.labels_BHW.unflatten(0, (4, 3)) for batch in made])
    assert torch.equal(clips, clips[:, :1].expand_as(clips))
    assert torch.equal(masks, masks[:, :1].expand_as(masks))
    assert not torch.equal(clips[0], clips[1])


@pytest.mark.parametrize("crop", [0, 16])
def test_every_loader_gives_the_same_clips(crop: int) -> None:
    data = dataset()
    config = replace(CLIPS, crop_height=crop, crop_width=crop)
    usual = list(training_batches(data.splits["train"], config, **vars(EPOCH)))
    assert usual[0].images_BCHW.shape[:2] == (12, 3)
    for way in ("threads", "device"):
        loader = Loaders(torch.device("cpu")).of(data, replace(config, loader=way), 4)
        given = list(loader.training(data.splits["train"], config, EPOCH))
        for ours, theirs in zip(given, usual, strict=True):
            assert torch.equal(ours.images_BCHW, theirs.images_BCHW)
            assert torch.equal(ours.labels_BHW, theirs.labels_BHW)


def test_ranks_get_whole_clips() -> None:
    train = dataset().splits["train"]
    whole = next(iter(training_batches(train, CLIPS, **vars(EPOCH)))).labels_BHW
    halves = [
        next(iter(training_batches(train, CLIPS, **vars(replace(EPOCH, rank=rank, ranks=2)))))
        for rank in (0, 1)
    ]
    together = torch.stack([half.labels_BHW.unflatten(0, (2, 3)) for half in halves], dim=1)
    assert torch.equal(together.flatten(0, 2), whole)


def test_lists_without_such_clips_are_refused_in_one_line() -> None:
    data = dataset()
    require_clips(data.splits, CLIPS)
    require_clips(data.splits, DataConfig())
    four = replace(CLIPS, clip=4)
    words = "at most 3, the frames of film1 in the training list .* got 4"
    with pytest.raises(DataError, match=words):
        require_clips(data.splits, four)
    with pytest.raises(DataError, match=words):  # the further list is trained on, too
        require_clips({"train": films((9,)), EXTRA: data.splits["train"]}, four)
    photographs = {"train": replace(data.splits["train"], series="")}
    with pytest.raises(DataError, match=r"data/clip must be 1 .* no frames of films, got 3"):
        require_clips(photographs, CLIPS)
    mixed = data.splits["train"].picked([0, 5, 1, 6, 2, 4])
    with pytest.raises(DataError, match="mixes frames of films"):
        require_clips({"train": mixed}, CLIPS)
