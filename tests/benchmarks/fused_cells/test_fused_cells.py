from collections.abc import Mapping

import pytest
import torch

from tests.benchmarks.fused_cells.cells import FusedCells, configs
from tests.benchmarks.fused_cells.figures import equality
from trainables.config import Value
from trainables.data import load

TOY: Mapping[str, Value] = {
    "data/height": 32,
    "data/width": 32,
    "model/width": 4,
    "optim/optimizer": "sgd",
    "optim/lr": 1e-2,
}


def test_each_fused_arm_is_its_own_training() -> None:
    """Three steps: its weights are those that it has alone, whatever the other cells' losses."""
    found = equality(["cross-entropy", "+ ABL", "+ Dice"], TOY, (1, 3), batch=2)
    for apart in found.values():
        assert all(weight <= 1e-5 and loss <= 1e-5 for weight, loss in apart)


def test_arms_differ_in_their_losses_alone() -> None:
    one, other = configs(["cross-entropy", "+ ABL"], 1, 1, TOY, batch=2)
    dataset = load(one.data)
    with pytest.raises(ValueError, match="configs must agree in data, model, optim"):
        FusedCells([one, other.changed({"seed": 1})], dataset, torch.device("cpu"))
