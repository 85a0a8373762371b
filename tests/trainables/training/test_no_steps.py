"""``optim/train=false``: a network is measured as it begins."""

import pytest
import torch

from tests.trainables.training.test_training import config, training


def test_a_training_that_takes_no_step_leaves_the_network_as_it_begins() -> None:
    """Weights, running statistics and the average: also where epochs are resumed."""
    given = config(epochs=2).changed({"optim/train": False, "optim/ema": 0.5})
    trained, untrained, resumed = (training(given) for _ in range(3))

    assert trained.train_epoch() == {}
    resumed.load(trained.save())
    assert resumed.train_epoch() == {}

    assert resumed.epoch == 2
    before = untrained.network.state_dict()
    for each in (trained, resumed):
        after = each.network.state_dict()
        assert all(torch.equal(after[name], before[name]) for name in before)
    ours, theirs = (run.evaluate("test").metrics for run in (resumed, untrained))
    assert ours == pytest.approx(theirs, abs=0, rel=0, nan_ok=True)
