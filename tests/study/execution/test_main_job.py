"""The main job for real: `python study/run.py` on a Ray of its own, killed, resumed, in MLflow.

One study carries all of it: a worker is killed after its first epoch, the driver after its first
trial, and what it found in the end is compared with each trial trained here, by itself.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from study.analysis.results import results_of
from study.commands.run import main
from study.ledger.ledger import FILE, clean, read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from tests.chaos.victims import run_until_killed
from trainables.config import from_flat
from trainables.data import load
from trainables.metrics import counts_file, per_image
from trainables.stages.registry import make_learned
from trainables.training.training import Training

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[3]
TRIALS, EPOCHS = 4, 3
SMALL = (
    "data/height=32",
    "data/width=48",
    "data/train_images=32",
    "data/val_images=9",
    "data/test_images=4",
    "model/width=4",
    "inverse_net/steps=20",
    "inverse_net/hidden=16",
)


def command(storage: Path, *extra: str) -> list[str]:
    places = ["--storage", str(storage), "--tracking-uri", f"sqlite:///{storage}/mlflow.db"]
    return [sys.executable, "study/run.py", *places, *extra]


def study(storage: Path, name: str, *extra: str) -> list[str]:
    sizes = [word for change in SMALL for word in ("--set", change)]
    options = ("--space", "inverseform", "--sampler", "random", "--name", name)
    counts = ("--trials", str(TRIALS), "--epochs", str(EPOCHS))
    return command(storage, *options, *counts, *sizes, *extra)


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}


def run(arguments: list[str]) -> str:
    done = subprocess.run(arguments, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("main-job")


@pytest.fixture(scope="module")
def whole(storage: Path) -> StudyRecord:
    kills = (("worker", "epoch", 1), ("driver", "finished", 1))
    run_until_killed(study(storage, "whole"), storage / "whole" / FILE, *kills)
    shown = run(command(storage, "--resume", "whole"))
    for words in (
        "Which weights",
        "forecast",
        "trial 3 complete",
        "winner on the test list",
        "mlflow ui --host 127.0.0.1",
        "report.md",
        "state.pt",
    ):
        assert words in shown
    return StudyFolder(storage / "whole").load()


def test_every_trial_runs_all_its_epochs_and_the_winner_is_tested(whole: StudyRecord) -> None:
    assert {trial.state for trial in whole.trials.values()} == {"complete"}
    assert [trial.last_epoch for trial in whole.trials.values()] == [EPOCHS] * TRIALS
    assert whole.ended
    best = results_of(whole).best
    assert best is not None
    assert whole.tested is not None
    assert whole.tested["trial"] == best.number
    assert {"test_miou", "test_boundary_f_1px"} <= set(whole.tested["metrics"])


def test_one_stage_a_tile_size_distance_and_network_is_trained_once(whole: StudyRecord) -> None:
    recorded = [f"{stage['kind']}-{stage['key']}" for stage in whole.stages]
    assert sorted(recorded) == sorted({trial.stages[0] for trial in whole.trials.values()})
    assert not any(stage["reused"] for stage in whole.stages)


def events(storage: Path, kind: str) -> list[dict[str, Any]]:
    return [event for event in read(storage / "whole" / FILE)[0] if event["event"] == kind]


def test_trials_follow_one_another_on_warm_lanes(storage: Path, whole: StudyRecord) -> None:
    """No more worker groups than fit at once, whatever the number of trials."""
    (resumed,) = events(storage, "resumed")
    later = [event for event in events(storage, "epoch") if event["time"] > resumed["time"]]
    trials, lanes = ({event[name] for event in later} for name in ("trial", "lane"))
    assert len(lanes) == min(os.cpu_count() or 1, len(trials))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As a rank of one CPU has it: the order of additions decides the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_killed_and_resumed_it_found_what_each_trial_finds_alone(
    storage: Path, whole: StudyRecord, one_thread: None
) -> None:
    """To the bit: no lane, no Ray, no kill."""
    best = results_of(whole).best
    assert best is not None
    assert whole.tested is not None
    for trial in whole.trials.values():
        config = from_flat(trial.config)
        dataset = load(config.data)
        learned = make_learned(config, dataset, storage / "stages", whole.mark)
        training = Training(config, dataset, learned, torch.device("cpu"))
        for epoch in range(1, EPOCHS + 1):
            trained = training.train_epoch()
            assert isinstance(trained, dict)
            found = {**training.evaluate().metrics, **trained}
            assert clean(found) == trial.epochs[epoch]["metrics"], (trial.number, epoch)
        if trial.number == best.number:
            tested = training.evaluate("test").metrics
            assert whole.tested["metrics"] == clean(
                {f"test_{name}": tested[name] for name in tested}
            )


def test_nothing_ran_twice(storage: Path, whole: StudyRecord) -> None:
    for kind in ("started", "finished"):
        assert sorted(event["trial"] for event in events(storage, kind)) == list(range(TRIALS))
    epochs = [(event["trial"], event["epoch"]) for event in events(storage, "epoch")]
    assert len(epochs) - len(set(epochs)) <= 2  # one of each trial that ran when the driver died


def test_every_metric_can_be_taken_again_from_the_counts_of_each_image(
    storage: Path, whole: StudyRecord
) -> None:
    for trial in whole.trials.values():
        path = storage / "whole" / "counts" / f"trial-{trial.number:04d}.npz"
        again = per_image.summarize(counts_file.load(path))
        kept = {name: trial.metrics[name] for name in again}
        assert clean(again) == kept
        with np.load(path) as content:
            assert len(content["names"]) == 9


def test_mlflow_has_one_parent_and_a_run_a_trial_that_ended(
    storage: Path, whole: StudyRecord
) -> None:
    parent, children = mlflow_runs(storage, "whole")
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics.keys() >= {"miou", "test_miou"}
    client = MlflowClient(f"sqlite:///{storage}/mlflow.db")
    for run_ in children:
        record = whole.trials[int(run_.data.tags["trial"])]
        assert run_.info.status == "FINISHED"
        assert run_.data.params["loss/gamma"] == str(record.params["loss/gamma"])
        assert run_.data.tags["state"] == "complete"
        history = client.get_metric_history(run_.info.run_id, "miou")
        assert {point.step: point.value for point in history} == {
            number: kept["metrics"]["miou"] for number, kept in record.epochs.items()
        }
        names = {item.path for item in client.list_artifacts(run_.info.run_id)}
        assert names - {"model"} == {"config.yaml", "counts", "pictures"}
        if "model" in names:
            version = client.search_model_versions("name = 'edgewise-inverseform-shapes'")[0]
            assert (version.run_id, version.tags["study"]) == (run_.info.run_id, "whole")
        assert len(client.list_artifacts(run_.info.run_id, "pictures")) == 4


def mlflow_runs(storage: Path, name: str) -> tuple[Any, list[Any]]:
    client = MlflowClient(f"sqlite:///{storage}/mlflow.db")
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.study = '{name}'")
    children = [run_ for run_ in runs if "trial" in run_.data.tags]
    parents = [run_ for run_ in runs if not {"trial", "stage"} & run_.data.tags.keys()]
    assert len(parents) == 1
    assert sorted(int(run_.data.tags["trial"]) for run_ in children) == list(range(TRIALS))
    return parents[0], children


def test_two_workers_a_trial_give_what_one_gives(storage: Path, whole: StudyRecord) -> None:
    """The same search on a lane of two ranks: equal up to the order of additions."""
    run(study(storage, "ranks", "--workers", "2", "--fresh", "--trials", "2"))
    record = StudyFolder(storage / "ranks").load()
    assert len(record.trials) == 2
    for number, trial in record.trials.items():
        first, again = whole.trials[number].epochs[1], trial.epochs[1]
        assert trial.params == whole.trials[number].params
        assert again["metrics"] == pytest.approx(first["metrics"], abs=5e-3)


def test_a_resume_of_an_ended_study_only_shows_it(
    storage: Path, whole: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (storage / "whole" / FILE).read_bytes()
    assert main(command(storage, "--resume", "whole")[2:]) == 0
    assert "winner on the test list" in capsys.readouterr().out
    assert (storage / "whole" / FILE).read_bytes() == before
