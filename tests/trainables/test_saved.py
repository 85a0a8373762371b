"""A saved network has the same outputs as the trained one."""

from pathlib import Path

import pytest
import torch

from trainables import saved
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.terms import Learned
from trainables.training.training import Training


@pytest.mark.parametrize("changes", [{}, {"optim/ema": 0.5, "loss/beta": 1.0}])
def test_loaded_it_gives_the_same_scores(tmp_path: Path, changes: dict[str, float]) -> None:
    flat = {
        "data/height": 16,
        "data/width": 24,
        "data/train_images": 4,
        "data/val_images": 1,
        "data/test_images": 1,
        "model/width": 4,
        "batch": 2,
        **changes,
    }
    config = TrialConfig().changed(flat)
    dataset = load(config.data)
    training = Training(config, dataset, Learned(), torch.device("cpu"))
    training.train_epoch()
    saved.save(tmp_path, config, dataset.classes, training.save())
    network, again, classes = saved.load(tmp_path)
    assert (again, classes) == (config, list(dataset.classes))
    used = training.average.module if training.average else training.network
    images_BCHW = torch.rand(2, 3, 16, 24)
    with torch.no_grad():
        expected = used.eval()(images_BCHW).logits_BKHW
        assert torch.equal(network(images_BCHW).logits_BKHW, expected)
