"""Tune's trainable, without Ray, begins where the searcher says: real trainings, bit by bit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray
import torch

from search_spaces import Cell
from study.ledger.plan import Plan
from tests.study.search.grid_driver import Driver, plan
from tests.study.search.test_after_another import PEAK
from tests.trainables.lane.test_lane import CONFIG
from tests.trainables.lane.test_trial_faults import HereLane
from trainables.lane.mailbox import LaneSettings
from trainables.lane.trial import Trial
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, FailedTrial, from_tune

BASE = CONFIG.changed({"data/train_images": 4, "data/val_images": 2, "batch": 2})
LATE = Cell(name="late", changes={"loss/w_a": 1.0, "loss/schedule": "w_a from 0.67"})


@pytest.fixture(autouse=True)
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.lane.trial.Lane", HereLane)
    for name in ("put", "get"):
        monkeypatch.setattr(ray, name, lambda value: value)


def run(study_plan: Plan) -> Driver:
    """All trials of a plan on one actor, as Tune would run them."""
    driver, trial = Driver(study_plan), Trial.__new__(Trial)
    stages = str(study_plan.storage / "stages")
    settings = LaneSettings(1, 1, 0, "", stages, str(driver.attempt))

    def train(spec: TrialSpec) -> Iterator[EpochReport | FailedTrial]:
        if hasattr(trial, "settings"):
            trial.reset_config(spec.to_tune())
        else:
            trial.setup(spec.to_tune(), settings)
        done = False
        while not done:
            result = trial.step()
            done = bool(result["done"])
            report = from_tune(result)
            driver.ran.append((spec.number, report.epoch))
            yield report

    driver.train = train
    try:
        return driver.run()
    finally:
        trial.idle_timer.stop()


def network(driver: Driver, number: int) -> dict[str, torch.Tensor]:
    """What a trial has after its last epoch."""
    (path,) = driver.folder.tune.glob(f"*/trial-{number:04d}/checkpoint_000003/state.pt")
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["network"]
    return state


def test_sharing_changes_no_weight_and_no_metric(tmp_path: Path) -> None:
    base = BASE.changed({"eval/terms": "active_boundary"})
    sharing = plan(tmp_path / "sharing", LATE, base=base)
    one = run(sharing)
    other = run(replace(sharing, storage=tmp_path / "alone", sharing=False))
    assert one.ran == [(0, 1), (0, 2), (0, 3), (1, 3)]
    assert len(other.ran) == 6
    for number, trial in other.ledger.record.trials.items():
        shared = one.ledger.record.trials[number]
        assert (shared.id, shared.state) == (trial.id, "complete")
        for epoch, record in trial.epochs.items():
            assert shared.epochs[epoch].metrics == record.metrics, (number, epoch)
        weights = network(one, number)
        for name, value in network(other, number).items():
            assert torch.equal(weights[name], value), name
    late = one.ledger.record.trials[1]
    assert late.epochs[3].metrics != one.ledger.record.trials[0].epochs[3].metrics


@pytest.mark.slow
def test_a_second_training_begins_with_the_first_ones_figures(tmp_path: Path) -> None:
    """With next to no learning rate, its first epoch has the first training's last figures."""
    still = replace(PEAK, changes={"optim/lr": 1e-12})
    driver = run(plan(tmp_path, still, base=BASE))
    first, second = (driver.ledger.record.trials[number] for number in (0, 1))
    assert driver.ran == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert second.epochs[1].metrics["val/loss"] == pytest.approx(first.metrics["val/loss"])
    assert first.epochs[1].metrics["val/loss"] != pytest.approx(first.metrics["val/loss"])
