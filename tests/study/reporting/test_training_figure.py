"""Losses and learning rate by epoch, the latter as the optimiser had it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from study.analysis.results import SearchResults
from study.ledger.events import EpochEnded
from study.reporting.figures import training as figures
from study.reporting.figures.style import Group
from tests.study import fake
from trainables.config import TrialConfig, flatten
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

SMALL: dict[str, float | str | int] = {
    "data/train_images": 13,
    "data/val_images": 1,
    "data/test_images": 1,
    "data/height": 16,
    "data/width": 16,
    "batch": 4,
    "epochs": 3,
    "optim/accumulate": 2,
}


@pytest.mark.parametrize("schedule", ["poly", "one_cycle", "constant"])
def test_the_rate_is_that_of_the_optimiser_at_each_step(schedule: str) -> None:
    """13 images in batches of 4: 3 batches, 2 steps an epoch."""
    config = TrialConfig().changed({**SMALL, "optim/schedule": schedule, "optim/warmup": 0.25})
    trained = Training(config, load(config.data), Learned(), torch.device("cpu"))
    expected = []
    for _ in range(trained.total_steps):
        expected.append(trained.schedule.get_last_lr()[0])
        trained.optimizer.step()
        trained.schedule.step()
    found = figures.learning_rates(flatten(config), images=13)
    assert list(found) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert list(found.values()) == pytest.approx(expected)


def test_a_long_training_has_a_few_hundred_points_of_its_rate() -> None:
    config = {**flatten(TrialConfig().changed(SMALL)), "epochs": 1000}
    found = figures.learning_rates(config, images=80)
    assert 200 <= len(found) < 400
    assert min(found) == 0


def test_a_loss_that_an_older_version_did_not_measure_has_no_panel(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    groups = [Group("trial 0", "black", [fake.start(ledger, plan, 0)])]
    assert figures.training(SearchResults(ledger.record), groups) is None
    fake.epoch(ledger, groups[0].trials[0], 1)
    figure = figures.training(SearchResults(ledger.record), groups)
    assert figure is not None
    assert len(figure.axes) == 2
    for epoch, loss in ((2, 0.75), (3, None)):
        metrics = {"train/loss": 0.5, "val/loss": loss}
        ended = EpochEnded(trial=0, epoch=epoch, metrics=metrics, seconds=1.0, lane="")
        ledger.append(ended)
    figure = figures.training(SearchResults(ledger.record), groups)
    assert figure is not None
    assert len(figure.axes) == 3
    (line,) = figure.axes[1].get_lines()
    assert np.asarray(line.get_xdata()).tolist() == [2]
    assert np.asarray(line.get_ydata()).tolist() == [0.75]
