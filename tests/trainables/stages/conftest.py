"""The data and the configs that the tests of stages share."""

import pytest

from trainables.config import TrialConfig
from trainables.data import Dataset, load

CONFIG = TrialConfig().changed(
    {
        "data/train_images": 24,
        "data/val_images": 12,
        "data/test_images": 1,
        "loss/gamma": 1.0,
        "loss/tile": 32,
        "inverse_net/steps": 400,
        "inverse_net/network": "dense",
        "inverse_net/unlike": True,
        "inverse_net/soften": True,
    }
)
"""InverseForm + unexplained, which is ours: it has to move a boundary back."""
QUICK = CONFIG.changed({"inverse_net/steps": 2, "inverse_net/hidden": 4, "inverse_net/batch": 4})


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load(CONFIG.data)
