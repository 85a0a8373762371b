"""A dataset that does not fit in memory is streamed, with the same images and digest."""

import os
import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainables.data.test_camvid import make
from trainables.config import DataConfig, TrialConfig, identity
from trainables.data import DataError, load
from trainables.data.batches import evaluation_batches, training_batches


def cached_and_streamed(root: Path, **changes: Any) -> list[Any]:
    return [
        load(DataConfig(dataset="camvid", root=str(root), cache=cache, **changes))
        for cache in ("on", "off")
    ]


def test_streamed_images_are_the_cached_ones(tmp_path: Path) -> None:
    cached, streamed = cached_and_streamed(make(tmp_path), height=9, width=11)
    assert streamed.digest == cached.digest
    assert streamed.size == cached.size == (9, 11)
    for split, images in cached.splits.items():
        other = streamed.splits[split]
        assert other.images_NHWC.nbytes == 0
        assert np.array_equal(other.sizes_N2, images.sizes_N2)
        for rows in (np.array([1, 0]), slice(0, 1), 1, slice(None)):
            assert np.array_equal(images.images_NHWC[rows], other.images_NHWC[rows])
            assert np.array_equal(images.labels_NHW[rows], other.labels_NHW[rows])


def test_configs_that_differ_only_in_augmentation_share_their_images(tmp_path: Path) -> None:
    config = DataConfig(dataset="camvid", root=str(make(tmp_path)))
    augmented = replace(
        config, scale_max=2.0, crop_height=5, crop_width=5, brightness=10.0, flip=False
    )
    assert augmented.unaugmented() == config.unaugmented()
    assert load(augmented.unaugmented()) is load(config)
    assert replace(config, height=9, width=11).unaugmented() != config.unaugmented()


def test_a_streamed_list_trains_and_evaluates_as_a_cached_one(tmp_path: Path) -> None:
    cached, streamed = cached_and_streamed(make(tmp_path))
    for epoch in (1, 2):
        batches = [
            list(
                training_batches(
                    dataset.splits["train"],
                    DataConfig(scale_max=2.0),
                    batch=1,
                    seed=0,
                    epoch=epoch,
                    rank=0,
                    ranks=1,
                )
            )
            for dataset in (cached, streamed)
        ]
        assert len(batches[0]) == 2
        for one, other in zip(*batches, strict=True):
            assert all(map(torch.equal, one[:2], other[:2]))
    batches_of_both = [
        list(evaluation_batches(dataset.splits["val"], batch=2, rank=0, ranks=1))
        for dataset in (cached, streamed)
    ]
    one, other = (batches[0][1] for batches in batches_of_both)
    assert torch.equal(one.images_BCHW, other.images_BCHW)


def test_a_streamed_list_travels_without_its_images(tmp_path: Path) -> None:
    _, streamed = cached_and_streamed(make(tmp_path))
    streamed.splits["train"].images_NHWC[[0, 1]]
    content = pickle.dumps(streamed)
    assert len(content) < 20_000
    moved = pickle.loads(content)
    assert np.array_equal(
        moved.splits["train"].images_NHWC[[1]], streamed.splits["train"].images_NHWC[[1]]
    )


@pytest.mark.parametrize("name", ["train/1.png", "trainannot/1.png"])
def test_a_streamed_file_that_changes_while_a_study_runs_is_named(
    tmp_path: Path, name: str
) -> None:
    """Also one of the same size and time, and in another process."""
    _, streamed = cached_and_streamed(make(tmp_path))
    moved = pickle.loads(pickle.dumps(streamed)).splits["train"].images_NHWC
    path = tmp_path / name
    facts = path.stat()
    with Image.open(path) as image:
        other = np.asarray(image).copy()
    other[0, 0] = 1 - other[0, 0].clip(0, 1)
    Image.fromarray(other).save(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    moved[[0]]
    with pytest.raises(DataError, match=r"1.* changed since the study began"):
        moved[[1]]


def test_auto_streams_what_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = DataConfig(dataset="camvid", root=str(make(tmp_path)))
    assert isinstance(load.__wrapped__(config).splits["train"].images_NHWC, np.ndarray)
    needed = 6 * 12 * 16 * 4
    memory = SimpleNamespace(available=4 * needed - 1, total=2**40)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    assert not isinstance(load.__wrapped__(config).splits["train"].images_NHWC, np.ndarray)


def test_where_images_are_stored_does_not_change_the_trial_s_identity() -> None:
    off = TrialConfig().changed({"data/cache": "off"})
    assert identity(TrialConfig(), "d") == identity(off, "d")
