"""What a rank says that its training has used, without Ray."""

from pathlib import Path

import pytest
import ray
import torch

from tests.trainables.lane.test_trial_faults import HereLane
from trainables.config import TrialConfig, Value, flatten
from trainables.lane.mailbox import EpochResult, LaneSettings, Start
from trainables.lane.trial import Trial
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, from_tune
from trainables.lane.worker import Worker
from trainables.losses import terms

SMALL: dict[str, Value] = {
    "data/height": 16,
    "data/width": 16,
    "data/train_images": 2,
    "data/val_images": 1,
    "data/test_images": 1,
    "batch": 2,
    "epochs": 2,
}


def held(tmp_path: Path, changes: dict[str, Value], epochs: int = 1) -> dict[str, Value]:
    """After so many epochs."""
    settings = LaneSettings(
        workers=1, cpus_per_worker=1, gpus_per_worker=0, storage="", stages=str(tmp_path)
    )
    worker = Worker(settings, torch.device("cpu"))
    worker.start(Start(flatten(TrialConfig().changed({**SMALL, **changes}))))
    assert worker.training is not None
    found: dict[str, Value] = {}
    for _ in range(epochs):
        result = worker.run_epoch(worker.training)
        assert isinstance(result, EpochResult)
        found = result.held
    return found


def test_a_term_holds_its_parameters_only_while_it_trains(tmp_path: Path) -> None:
    assert held(tmp_path, {"loss/w_a": 1.0, "loss/theta": 5.0})["loss/theta"] == 5.0
    without = held(tmp_path, {"loss/theta": 5.0})
    assert "loss/theta" not in without
    assert without["loss/xe"] == 1.0


def test_a_term_that_only_validation_measures_has_not_trained(tmp_path: Path) -> None:
    measured: dict[str, Value] = {"loss/theta": 5.0, "eval/terms": "active_boundary"}
    assert "loss/theta" not in held(tmp_path, measured, epochs=2)


def test_a_term_that_starts_late_holds_its_parameters_then(tmp_path: Path) -> None:
    late: dict[str, Value] = {"loss/w_a": 1.0, "loss/schedule": "w_a from 0.5"}
    assert "loss/theta" not in held(tmp_path, late)
    assert held(tmp_path, late, epochs=2)["loss/theta"] == 20.0


def test_the_optimiser_is_asked_and_not_the_config(tmp_path: Path) -> None:
    found = held(tmp_path, {"optim/optimizer": "sgd", "optim/lr": 0.25, "optim/head_lr": 10.0})
    assert found["optim/optimizer"] == "sgd"
    assert found["optim/lr"] == pytest.approx(0.25, rel=1e-12)
    assert found["optim/momentum"] == 0.9


def test_a_warm_lane_s_next_trial_holds_its_own_settings_of_the_process(tmp_path: Path) -> None:
    settings = LaneSettings(
        workers=1, cpus_per_worker=1, gpus_per_worker=0, storage="", stages=str(tmp_path)
    )
    worker = Worker(settings, torch.device("cpu"))
    for deterministic in (True, False, True):
        changes: dict[str, Value] = {**SMALL, "optim/deterministic": deterministic}
        worker.start(Start(flatten(TrialConfig().changed(changes))))
        assert worker.training is not None
        result = worker.run_epoch(worker.training)
        assert isinstance(result, EpochResult)
        assert result.held["optim/deterministic"] == deterministic
    worker.drop()
    assert not torch.are_deterministic_algorithms_enabled(), "a stage trains next, for others too"


def test_a_parameter_that_a_loss_forgets_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = terms.Term(
        lambda loss: loss.w_a,
        lambda config, prediction, target, learned: terms.active_boundary(
            prediction.logits_BKHW, target.labels_BHW
        ),
        rule="w_a",
    )
    monkeypatch.setitem(terms.TERMS, "active_boundary", forgetful)
    assert "loss/theta" not in held(tmp_path, {"loss/w_a": 1.0, "loss/theta": 5.0})


def test_a_trial_reports_its_own_parameters_and_only_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.lane.trial.Lane", HereLane)
    for name in ("put", "get"):
        monkeypatch.setattr(ray, name, lambda value: value)
    params: dict[str, Value] = {"optim/lr": 0.25, "loss/theta": 5.0, "data/flip": False}
    late: dict[str, Value] = {"loss/w_a": 1.0, "loss/schedule": "w_a from 0.6", "epochs": 3}
    config = flatten(TrialConfig().changed({**SMALL, **late, **params}))
    trial = Trial.__new__(Trial)
    settings = LaneSettings(1, 1, 0, "", str(tmp_path / "stages"), str(tmp_path))
    trial.setup(TrialSpec(number=0, params=params, config=config).to_tune(), settings)
    reports = [from_tune(trial.step()) for _ in range(3)]
    trial.idle_timer.stop()
    found = [report.held for report in reports if isinstance(report, EpochReport)]
    assert found == [{"optim/lr": 0.25}, {}, {"optim/lr": 0.25, "loss/theta": 5.0}]
