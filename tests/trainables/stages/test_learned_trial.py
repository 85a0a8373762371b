"""A trial with the geodesic distance survives weights that the paper's formulation would not."""

from pathlib import Path

import pytest
import torch

from trainables.config import TrialConfig
from trainables.data import load
from trainables.stages import registry
from trainables.training.epoch_summary import Diverged
from trainables.training.training import Training

SMALL = TrialConfig().changed(
    {
        "data/train_images": 8,
        "data/val_images": 4,
        "data/test_images": 1,
        "data/height": 48,
        "data/width": 64,
        "model/width": 4,
        "batch": 2,
        "epochs": 2,
        "loss/beta": 1.0,
        "loss/tile": 16,
        "inverse_net/steps": 60,
        "loss/distance": "geodesic",
    }
)


@pytest.mark.parametrize("gamma", [1.0, 10.0])  # the space's largest, and ten times that
def test_no_step_is_non_finite(tmp_path: Path, gamma: float) -> None:
    torch.set_num_threads(1)
    config = SMALL.changed({"loss/gamma": gamma, "loss/tile_reduction": "mean"})
    dataset = load(config.data)
    registry.ensure("inverse_net", config, dataset, tmp_path)
    learned = registry.load_learned(config, dataset.digest, tmp_path)
    training = Training(config, dataset, learned, torch.device("cpu"))
    for _ in range(config.epochs):
        trained = training.train_epoch()
        assert not isinstance(trained, Diverged)
        assert trained["train/inverse_form"] > 0
