"""Targets go wherever images and labels go: folds, jobs of processes, digests, memory."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from trainables.config import DataConfig
from trainables.data import load, open_layout
from trainables.data.batches import Epoch, ready, training_batches
from trainables.data.decoding import _bytes_needed
from trainables.data.fingerprint import fingerprint
from trainables.data.loader import Loaders
from trainables.data.worker_processes import Trained, _batch_bytes

FEW = DataConfig(train_images=4, val_images=2, test_images=2, targets="edge,depth,normals")
EPOCH = Epoch(batch=2, seed=0, epoch=1, rank=0, ranks=1)


def test_a_fold_has_the_targets_of_its_images() -> None:
    config = DataConfig(folds=3, fold=2, height=24, width=32, targets="depth,normals")
    data = load(config)
    assert data.pool is not None
    for split, images in data.splits.items():
        for place, row in enumerate(data.folds[1][split][:2]):
            for task, maps in data.pool.targets.items():
                assert np.array_equal(images.targets[task][place], maps[row])
    _, batch = next(
        Loaders(torch.device("cpu"))
        .of(data, config, 2)
        .evaluation(data.splits["val"], batch=2, rank=0, ranks=1)
    )
    assert batch.targets["normals"].shape == (2, 3, 24, 32)


def test_a_process_makes_the_same_targets() -> None:
    data = load(FEW)
    config = replace(FEW, scale_max=1.5, rotate=10.0, crop_height=40, crop_width=40)
    train = data.splits["train"]
    share = EPOCH.shares(len(train))[1]
    job, images = pickle.loads(
        pickle.dumps((Trained(share, config, EPOCH.draws(share), data.pixels), train))
    )
    made, usual = ready(job.made(images)), list(training_batches(train, config, **vars(EPOCH)))[1]
    assert list(made.targets) == ["edge", "depth", "normals"]
    for task, map_ in made.targets.items():
        assert torch.equal(map_, usual.targets[task])


def test_two_ranks_see_the_targets_of_one() -> None:
    config = replace(FEW, scale_max=1.5, rotate=10.0)
    train = load(FEW).splits["train"]
    one = list(training_batches(train, config, **vars(EPOCH)))
    for rank in (0, 1):
        mine = training_batches(train, config, **vars(replace(EPOCH, rank=rank, ranks=2)))
        for part, whole in zip(mine, one, strict=True):
            for task, map_ in part.targets.items():
                assert torch.equal(map_, whole.targets[task][rank::2])


def test_targets_are_in_digests_and_in_the_estimate_of_memory() -> None:
    plain = replace(FEW, targets="")
    assert load(plain).digest != load(FEW).digest
    assert load(replace(FEW, targets="edge")).digest != load(replace(FEW, targets="depth")).digest
    assert fingerprint(plain) != fingerprint(FEW)
    needed, without = (_bytes_needed(open_layout(config), None) for config in (FEW, plain))
    pixels = 8 * 96 * 128
    assert needed - without == pixels * (1 + 4 + 12)
    assert sum(x.nbytes for x in load(FEW).splits.values()) == needed
    batches = (
        _batch_bytes(load(config).splits, config, load(config).pixels, 2) for config in (FEW, plain)
    )
    assert next(batches) - next(batches) == 2 * 96 * 128 * (1 + 4 + 12)


def test_a_device_leaves_targets_to_threads() -> None:
    with pytest.raises(ValueError, match="data/loader must be auto, threads or workers with data/"):
        replace(FEW, loader="device")
    data = load(FEW)
    assert Loaders(torch.device("cuda")).of(data, FEW, 2).name == "threads"
