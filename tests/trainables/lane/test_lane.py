"""A real warm lane survives dead workers and failed trials."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import torch

from cluster.session import ray_session
from trainables.config import TrialConfig, flatten
from trainables.data import load
from trainables.lane.trial_spec import TrialSpec
from trainables.losses.batch import Learned
from trainables.stages.registry import stage_names
from trainables.training import checkpoint
from trainables.training.training import Training

if TYPE_CHECKING:  # ray_session sets what Ray reads when it is imported
    from trainables.lane.failures import Failure
    from trainables.lane.lane import A
    from trainables.lane.mailbox import Command
    from trainables.lane.trial import Trial

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

CONFIG = TrialConfig().changed(
    {
        "data/height": 32,
        "data/width": 32,
        "data/train_images": 8,
        "data/val_images": 3,
        "data/test_images": 1,
        "model/width": 4,
        "batch": 4,
        "epochs": 3,
    }
)
TRIAL = TrialSpec(number=0, params={}, config=flatten(CONFIG)).to_tune()


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Trial"]:
    """Tune's trainable on a lane of two workers, driven by hand."""
    folder = tmp_path_factory.mktemp("lane")
    if (os.cpu_count() or 1) < 2:
        pytest.skip("a lane of two workers needs two CPUs")
    with ray_session(256 * 2**20):
        import ray
        from ray import tune

        from trainables.lane.mailbox import LaneSettings, SharedData
        from trainables.lane.trial import Trial

        settings = LaneSettings(
            workers=2,
            cpus_per_worker=1,
            gpus_per_worker=0,
            storage=str(folder / "lanes"),
            stages=str(folder / "stages"),
            checkpoints=str(folder / "first"),
            study="s",
            data=SharedData(CONFIG.data, ray.put(load(CONFIG.data))),
        )
        made = tune.with_parameters(Trial, settings=settings)(TRIAL)
        yield made
        made.stop()


@cache
def expected() -> tuple[dict[str, float], ...]:
    """The metrics of each epoch by one rank in this process."""
    training = Training(CONFIG, load(CONFIG.data), Learned(), torch.device("cpu"))
    epochs = []
    for _ in range(CONFIG.epochs):
        trained = training.train_epoch()
        assert isinstance(trained, dict)
        epochs.append({**training.evaluate().metrics, **trained})
    return tuple(epochs)


def assert_epoch(result: dict[str, Any], epoch: int) -> None:
    metrics = expected()[epoch - 1]
    assert result["epoch"] == epoch
    assert {name: result[name] for name in metrics} == pytest.approx(metrics, abs=5e-3)
    losses = result["iterations"]["terms"]["loss"]
    count = len(losses)  # all of them: the trial is short
    assert result["iterations"]["at"] == list(range((epoch - 1) * count + 1, epoch * count + 1))
    assert sum(losses) / count == pytest.approx(result["train/loss"], rel=1e-5)


def begin(trial: "Trial", folder: Path, **changes: object) -> None:
    """Reset Tune's trainable to another trial, whose checkpoints go to ``folder``."""
    trial.settings = replace(trial.settings, checkpoints=str(folder))
    trial.reset({**TRIAL, **changes})


def before_the_next_checkpoint(trial: "Trial", event: Callable[[], None]) -> None:
    """Let the event happen after the next epoch, before its checkpoint."""
    from trainables.lane.mailbox import Save

    lane = trial.lane
    assert lane is not None
    ask = lane.ask

    def ask_with_event(command: "Command[A]") -> "A | Failure":
        if isinstance(command, Save):
            lane.ask = ask  # type: ignore[method-assign]
            event()
        return ask(command)

    lane.ask = ask_with_event  # type: ignore[method-assign]


def kill_one(name: str, of: int) -> None:
    """SIGKILL one of ``of`` actors of this name, which are processes of this test's Ray."""
    children = psutil.Process().children(recursive=True)
    found = [child for child in children if f"ray::{name}" in " ".join(child.cmdline())]
    assert len(found) == of
    found[0].kill()


def kill_one_worker() -> None:
    kill_one("RayTrainWorker", of=2)


def test_a_trial_continues_from_its_checkpoint_when_a_worker_dies(trial: "Trial") -> None:
    assert_epoch(trial.train(), 1)
    kill_one_worker()
    # Its epoch is not yet saved, so that the new group must repeat it.
    before_the_next_checkpoint(trial, kill_one_worker)
    assert_epoch(trial.train(), 2)
    last = trial.train()
    assert_epoch(last, 3)
    assert last["done"]


@pytest.mark.slow
def test_the_next_trial_runs_on_the_same_lane_also_after_one_that_failed(
    trial: "Trial", tmp_path: Path
) -> None:
    lane = trial.lane
    too_large = flatten(CONFIG.changed({"loss/gamma": 1.0, "loss/tile": 64}))
    begin(trial, tmp_path / "one", config=too_large)  # a tile of 64 on images of 32
    failed = trial.train()
    assert failed["done"]
    assert failed["failure"]["kind"] == "ValueError"
    assert "Traceback" in failed["failure"]["traceback"]
    begin(trial, tmp_path / "two")
    assert_epoch(trial.train(), 1)
    assert trial.lane is lane


def test_a_missing_stage_is_trained_by_one_rank_while_the_other_waits(
    trial: "Trial", tmp_path: Path
) -> None:
    quick = {"loss/lambda_2": 0.5, "edge_net/steps": 20, "edge_net/batch": 2}
    config = CONFIG.changed(quick)
    begin(trial, tmp_path, config=flatten(config))
    assert trial.train()["train/edge"] > 0
    made = list(Path(trial.settings.stages).glob("*.pt"))
    assert [path.stem for path in made] == stage_names(config, load(config.data).digest)


@pytest.mark.slow
@pytest.mark.parametrize("actor", ["TrainController", "Mailbox"])
def test_a_new_lane_continues_from_the_checkpoint_when_the_lane_itself_dies(
    trial: "Trial", tmp_path: Path, actor: str
) -> None:
    begin(trial, tmp_path)
    assert_epoch(trial.train(), 1)
    lane = trial.lane
    assert lane is not None

    def kill() -> None:
        kill_one(actor, of=1)
        lane.join(60)  # its ranks keep answering until Ray notices the death

    before_the_next_checkpoint(trial, kill)
    assert_epoch(trial.train(), 2)
    assert trial.lane is not lane
    assert_epoch(trial.train(), 3)


def test_a_checkpoint_continues_on_another_trial_object(trial: "Trial", tmp_path: Path) -> None:
    begin(trial, tmp_path / "one")
    trial.train()
    saved = checkpoint.latest([Path(trial.folder)])
    assert saved is not None
    begin(trial, tmp_path / "two", resume_from=str(saved.folder))
    assert_epoch(trial.train(), 2)
