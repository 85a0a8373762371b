"""The first epochs train on ``data/extra_list``, the others on the training list."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.data.listed_layouts import MAKE
from trainables.config import TrialConfig
from trainables.data import Dataset, load, loader
from trainables.losses.batch import Learned
from trainables.training.training import Training


def opened(root: Path) -> tuple[TrialConfig, Dataset]:
    """15 training images, of which one is held out, and 5 further ones."""
    MAKE["folder"](root)
    (root / "more.txt").write_text("".join(f"{number:02d}\n" for number in range(5)))
    config = TrialConfig().changed(
        {
            "data/dataset": "folder",
            "data/root": str(root),
            "data/extra_list": "more",
            "data/extra_epochs": 2,
            "data/height": 16,
            "data/width": 16,
            "epochs": 3,
            "batch": 2,
            "model/width": 4,
        }
    )
    return config, load(config.data)


def trained(config: TrialConfig, dataset: Dataset) -> Training:
    return Training(config, dataset, Learned(), torch.device("cpu"))


def test_each_epoch_has_its_list_and_the_schedule_counts_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, dataset = opened(tmp_path)
    seen = []
    batches = loader.training_batches

    def counted(images, *arguments, **options):  # type: ignore[no-untyped-def]
        seen.append(len(images))
        return batches(images, *arguments, **options)

    monkeypatch.setattr(loader, "training_batches", counted)
    training = trained(config, dataset)
    assert training.total_steps == 2 + 2 + 7
    for done in (2, 4, 11):
        training.train_epoch()
        assert training.schedule.last_epoch == done
    assert seen == [5, 5, 14]
    assert training.progress == 1


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path: Path) -> None:
    config, dataset = opened(tmp_path)
    whole, first, later = (trained(config, dataset) for _ in range(3))
    for _ in range(3):
        whole.train_epoch()
    for _ in range(2):
        first.train_epoch()
    later.load(first.save())
    later.train_epoch()
    for ours, theirs in zip(later.network.parameters(), whole.network.parameters(), strict=True):
        assert np.array_equal(ours.detach().numpy(), theirs.detach().numpy())
