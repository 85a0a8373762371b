"""The main job for real: `python study/run.py` on a Ray of its own, killed, resumed, in MLflow."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from study import report
from study.ledger import FILE, clean, read
from study.record import StudyRecord
from tests.study.test_ledger import content
from trainables.metrics import counts_file, per_image

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
TRIALS, EPOCHS = 4, 3
SMALL = (
    "data/height=32", "data/width=48", "data/train_images=32", "data/val_images=9",
    "data/test_images=4", "model/width=4", "inverse_net/steps=20", "inverse_net/hidden=16",
)  # fmt: skip


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


def run_until_killed(arguments: list[str], ledger: Path, event: str, count: int) -> None:
    """SIGKILL the driver as soon as the ledger holds so many events of this kind."""
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as driver:  # fmt: skip
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and driver.poll() is None:
            if ledger.exists() and ledger.read_text().count(f'"event":"{event}"') >= count:
                break
            time.sleep(0.05)
        assert driver.poll() is None, "the study ended before it could be killed"
        driver.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("main-job")


@pytest.fixture(scope="module")
def whole(storage: Path) -> StudyRecord:
    shown = run(study(storage, "whole"))
    for words in ("Which weights", "forecast", "trial 0 complete", "winner on the test list",
                  "mlflow ui --host 127.0.0.1", "report.md", "state.pt"):  # fmt: skip
        assert words in shown
    return report.load(storage / "whole")


def test_every_trial_runs_all_its_epochs_and_the_winner_is_tested(whole: StudyRecord) -> None:
    assert {trial.state for trial in whole.trials.values()} == {"complete"}
    assert [trial.last_epoch for trial in whole.trials.values()] == [EPOCHS] * TRIALS
    assert whole.ended
    best = whole.best()
    assert best is not None
    assert whole.tested is not None
    assert whole.tested["trial"] == best.number
    assert {"test_miou", "test_boundary_f_1px"} <= set(whole.tested["metrics"])


def test_one_stage_a_tile_size_distance_and_network_is_trained_once(whole: StudyRecord) -> None:
    recorded = [f"{stage['kind']}-{stage['key']}" for stage in whole.stages]
    assert sorted(recorded) == sorted({trial.stages[0] for trial in whole.trials.values()})
    assert not any(stage["reused"] for stage in whole.stages)


def test_trials_follow_one_another_on_warm_lanes(whole: StudyRecord) -> None:
    """No more worker groups than fit at once, whatever the number of trials."""
    lanes = {trial.lane for trial in whole.trials.values()}
    assert len(lanes) == min(os.cpu_count() or 1, TRIALS)


def test_every_metric_can_be_taken_again_from_the_counts_of_each_image(
    storage: Path, whole: StudyRecord
) -> None:
    for trial in whole.trials.values():
        path = storage / "whole" / "counts" / f"trial-{trial.number:04d}.npz"
        again = per_image.summarize(counts_file.load(path))
        kept = {name: trial.metrics[name] for name in again}
        assert clean(again) == kept
        assert len(counts_file.image_names(path)) == 9


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


def test_killed_and_resumed_a_study_ends_as_one_that_was_not(
    storage: Path, whole: StudyRecord
) -> None:
    ledger = storage / "cut" / FILE
    run_until_killed(study(storage, "cut", "--fresh"), ledger, "finished", 1)
    run(command(storage, "--resume", "cut"))
    record = report.load(storage / "cut")
    assert content(record) == content(whole)
    assert record.tested == whole.tested
    events = [event["event"] for event in read(ledger)[0]]
    assert events.count("started") == TRIALS
    assert events.count("finished") == TRIALS
    assert events.count("resumed") == 1
    parent, children = mlflow_runs(storage, "cut")
    assert {run_.info.status for run_ in [parent, *children]} == {"FINISHED"}


def test_two_workers_a_trial_give_what_one_gives(storage: Path, whole: StudyRecord) -> None:
    """The same search on a lane of two ranks: equal up to the order of additions."""
    run(study(storage, "ranks", "--workers", "2", "--fresh"))
    record = report.load(storage / "ranks")
    for number, trial in record.trials.items():
        first, again = whole.trials[number].epochs[1], trial.epochs[1]
        assert trial.params == whole.trials[number].params
        assert again["metrics"] == pytest.approx(first["metrics"], abs=5e-3)


def test_a_resume_of_an_ended_study_only_shows_it(storage: Path, whole: StudyRecord) -> None:
    before = (storage / "whole" / FILE).read_bytes()
    assert "winner on the test list" in run(command(storage, "--resume", "whole"))
    assert (storage / "whole" / FILE).read_bytes() == before
