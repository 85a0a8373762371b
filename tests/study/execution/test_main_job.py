"""The main job: `python study/run.py` on a real Ray of its own, killed, resumed, in MLflow.

All tests share one study: a worker is killed after its first epoch, the driver after its first
trial, and the results are compared with each trial trained alone, in this process.
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
from study.ledger.events import Metrics
from study.ledger.json_records import clean
from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.tracking.models import name_of
from tests.chaos.victims import run_until_killed
from trainables.config import from_flat
from trainables.data import load
from trainables.metrics import counts_file, summaries
from trainables.stages.registry import make_learned
from trainables.training.training import Training

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[3]
TRIALS, EPOCHS = 4, 3
SMALL = (
    "batch=8",
    "data/height=32",
    "data/width=48",
    "data/train_images=32",
    "data/val_images=9",
    "data/test_images=4",
    "model/width=4",
    "inverse_net/steps=20",
    "inverse_net/units=16,8",
)


def command(storage: Path, *extra: str) -> list[str]:
    places = ["--storage", str(storage), "--tracking-uri", f"sqlite:///{storage}/mlflow.db"]
    return [sys.executable, "study/run.py", *places, *extra]


def study(storage: Path, name: str, *extra: str) -> list[str]:
    sizes = [word for change in SMALL for word in ("--set", change)]
    options = ("--space", "inverseform", "--sampler", "random", "--name", name)
    counts = ("--trials", str(TRIALS), "--epochs", str(EPOCHS), "--confirm", "0")
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
def ended_study(storage: Path) -> StudyRecord:
    kills = (("worker", "epoch", 1), ("driver", "finished", 1))
    run_until_killed(study(storage, "ended"), StudyFolder(storage / "ended").ledger, *kills)
    output = run(command(storage, "--resume", "ended"))
    for words in (
        "Which weights",
        "forecast",
        "trial 3 complete",
        "winner on the test list",
        "mlflow ui --host 127.0.0.1",
        "report.html",
        "use it",
    ):
        assert words in output
    return StudyFolder(storage / "ended").load()


def winner_tested(record: StudyRecord) -> Metrics:
    """The winner's figures on the test list."""
    best = results_of(record).best
    assert best is not None
    assert best.tested is not None
    return best.tested


def test_every_trial_runs_all_its_epochs_and_the_winner_is_tested(ended_study: StudyRecord) -> None:
    assert {trial.state for trial in ended_study.trials.values()} == {"complete"}
    assert [trial.last_epoch for trial in ended_study.trials.values()] == [EPOCHS] * TRIALS
    assert ended_study.ended
    best = results_of(ended_study).best
    assert best is not None
    tested = [number for number, trial in ended_study.trials.items() if trial.tested is not None]
    assert tested == [best.number]
    assert {"test_miou", "test_boundary_f_1px"} <= set(winner_tested(ended_study))


def test_each_tile_size_distance_and_network_has_one_stage(ended_study: StudyRecord) -> None:
    recorded = [f"{stage.kind}-{stage.key}" for stage in ended_study.stages]
    assert sorted(recorded) == sorted({trial.stages[0] for trial in ended_study.trials.values()})
    assert not any(stage.reused for stage in ended_study.stages)


def events(storage: Path, kind: str) -> list[dict[str, Any]]:
    return [
        event for event in read(StudyFolder(storage / "ended").ledger)[0] if event["event"] == kind
    ]


def test_trials_follow_one_another_on_warm_lanes(storage: Path, ended_study: StudyRecord) -> None:
    """There are no more worker groups than fit at once, whatever the number of trials."""
    (resumed,) = events(storage, "resumed")
    later = [event for event in events(storage, "epoch") if event["time"] > resumed["time"]]
    trials, lanes = ({event[name] for event in later} for name in ("trial", "lane"))
    assert len(lanes) == min(os.cpu_count() or 1, len(trials))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Train on one thread, as a rank of one CPU: the order of additions decides the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_killed_and_resumed_its_trials_equal_those_trained_alone(
    storage: Path, ended_study: StudyRecord, one_thread: None
) -> None:
    """They are equal to the bit, though trained without lane, Ray or kill."""
    best = results_of(ended_study).best
    assert best is not None
    for trial in ended_study.trials.values():
        config = from_flat(trial.config)
        dataset = load(config.data)
        learned = make_learned(config, dataset, storage / "stages", ended_study.mark)
        training = Training(config, dataset, learned, torch.device("cpu"))
        for epoch in range(1, EPOCHS + 1):
            trained = training.train_epoch()
            assert isinstance(trained, dict)
            evaluated = training.evaluate(with_terms=True)
            measured = {**evaluated.metrics, **evaluated.terms, "val/loss": evaluated.loss}
            found = {**measured, **trained}
            assert clean(found) == trial.epochs[epoch].metrics, (trial.number, epoch)
        if trial.number == best.number:
            tested = training.evaluate("test").metrics
            assert winner_tested(ended_study) == clean(
                {f"test_{name}": tested[name] for name in tested}
            )


def test_nothing_ran_twice(storage: Path, ended_study: StudyRecord) -> None:
    for kind in ("started", "finished"):
        assert sorted(event["trial"] for event in events(storage, kind)) == list(range(TRIALS))
    epochs = [(event["trial"], event["epoch"]) for event in events(storage, "epoch")]
    assert len(epochs) - len(set(epochs)) <= 2  # one of each trial that ran when the driver died


def test_every_metric_can_be_recomputed_from_the_counts_of_each_image(
    storage: Path, ended_study: StudyRecord
) -> None:
    for trial in ended_study.trials.values():
        path = storage / "ended" / "counts" / f"trial-{trial.number:04d}.npz"
        again = summaries.summarize(counts_file.load(path))
        recorded = {name: trial.metrics[name] for name in again}
        assert clean(again) == recorded
        with np.load(path) as content:
            assert len(content["names"]) == 9


def test_mlflow_has_one_parent_and_one_run_per_ended_trial(
    storage: Path, ended_study: StudyRecord
) -> None:
    parent, children = mlflow_runs(storage, "ended")
    assert parent.info.status == "FINISHED"
    best = results_of(ended_study).best
    assert best is not None
    assert parent.data.metrics == {"miou": best.metrics["miou"]}  # the winner's learning curve
    assert f"{winner_tested(ended_study)['test_miou']:.4f}" == parent.data.tags["best.test_miou"]
    (winner,) = [run_ for run_ in children if run_.data.tags["trial"] == str(best.number)]
    assert winner.data.metrics["test_miou"] == winner_tested(ended_study)["test_miou"]
    client = MlflowClient(f"sqlite:///{storage}/mlflow.db")
    for run_ in children:
        record = ended_study.trials[int(run_.data.tags["trial"])]
        assert run_.info.status == "FINISHED"
        assert run_.data.params["loss/gamma"] == str(record.params["loss/gamma"])
        assert run_.data.tags["state"] == "complete"
        history = client.get_metric_history(run_.info.run_id, "miou")
        assert {point.step: point.value for point in history} == {
            number: recorded.metrics["miou"] for number, recorded in record.epochs.items()
        }
        names = {item.path for item in client.list_artifacts(run_.info.run_id)}
        assert names - {"model"} == {"config.yaml", "counts", "pictures"}
        if "model" in names:
            name = name_of(ended_study)
            version = client.search_model_versions(f"name = '{name}'")[0]
            assert (version.run_id, version.tags["study"]) == (run_.info.run_id, "ended")
        pictures = client.list_artifacts(run_.info.run_id, "pictures")
        assert len(pictures) == 4 + 2  # and two of the first of them by epoch


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


def test_resuming_an_ended_study_only_prints_it(
    storage: Path, ended_study: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (StudyFolder(storage / "ended").ledger).read_bytes()
    assert main(command(storage, "--resume", "ended")[2:]) == 0
    assert "winner on the test list" in capsys.readouterr().out
    assert (StudyFolder(storage / "ended").ledger).read_bytes() == before
