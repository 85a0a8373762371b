"""Two ranks give what one gives, with augmentation, a recipe and dropout."""

from pathlib import Path

import pytest
import torch

from tests.processes import on_ranks
from tests.trainables.training.test_optimization import EVERYTHING
from tests.trainables.training.test_training import config, training
from trainables.config import TrialConfig


def _rank_main(rank: int, ranks: int, folder: str, trial_config: TrialConfig) -> None:
    torch.set_num_threads(1)
    run = training(trial_config)
    metrics = [run.train_epoch(), run.train_epoch()]
    evaluation = run.evaluate().metrics
    if rank == 0:
        torch.save({"metrics": metrics, "evaluation": evaluation}, f"{folder}/{ranks}.pt")


def test_two_ranks_give_what_one_gives_with_augmentation_and_recipe(tmp_path: Path) -> None:
    """Scale, crop, brightness, accumulation, clipping, averages, an auxiliary head, batch norm."""
    flat = {
        **EVERYTHING,
        "optim/precision": "fp32",
        "optim/lr": 1e-3,
        "model/network": "lraspp",
        "data/height": 64,
        "data/width": 64,
        "batch": 5,
    }
    trial_config = config(**flat)
    _rank_main(0, 1, str(tmp_path), trial_config)
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path), trial_config)
    one, two = (torch.load(f"{tmp_path}/{ranks}.pt", weights_only=True) for ranks in (1, 2))
    for a, b in zip(one["metrics"], two["metrics"], strict=True):
        assert a == pytest.approx(b, rel=1e-3)


def _first_loss(rank: int, ranks: int, file: str, trial_config: TrialConfig) -> None:
    torch.set_num_threads(1)
    metrics = training(trial_config).train_epoch()
    assert isinstance(metrics, dict)
    if rank == 0:
        torch.save(metrics["train/loss"], file)


def test_two_ranks_drop_the_channels_that_one_drops(tmp_path: Path) -> None:
    """Three images: one rank has two of them. Without batch norm, nothing else couples images."""
    flat: dict[str, float | str] = {
        "model/network": "deeplabv3_r50",
        "model/auxiliary": False,
        "model/freeze_batch_norm": True,
        "data/height": 32,
        "data/width": 32,
        "data/train_images": 3,
        "data/val_images": 1,
        "batch": 3,
        "optim/lr": 1e-3,
        "loss/beta": 0.0,
        "loss/gamma": 0.0,
    }
    losses = {name: tmp_path / name for name in ("one", "two", "whole")}
    dropping, whole = (config(**{**flat, "model/dropout": share}) for share in (0.5, 0.0))
    _first_loss(0, 1, str(losses["one"]), dropping)
    _first_loss(0, 1, str(losses["whole"]), whole)
    on_ranks(2, tmp_path, _first_loss, 2, str(losses["two"]), dropping)
    # The first epoch is one step: its loss is that of equal weights, which rounding alone moves.
    found = {name: torch.load(file) for name, file in losses.items()}
    assert found["one"] == pytest.approx(found["two"], rel=1e-5)
    assert found["one"] != pytest.approx(found["whole"], rel=1e-4)
