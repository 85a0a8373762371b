"""MLflow is a projection of the ledger: writing twice changes nothing, and nothing waits for it."""

import io
import shutil
import time
from pathlib import Path

import mlflow
import pytest
import torch
from mlflow import MlflowClient

from study.analysis.results import results_of
from study.ledger.events import Ended
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.tracking.models import name_of
from study.tracking.sink import MlflowSink
from tests.study import fake, fake_grid, reports
from trainables import saved
from trainables.config import TrialConfig
from trainables.networks.segmentation import Segmenter


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take seconds to create."""
    path = tmp_path_factory.mktemp("empty") / "m.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(autouse=True)
def database(empty: Path, tmp_path: Path) -> None:
    """The database that the plans of this file report to."""
    shutil.copyfile(empty, tmp_path / "m.db")


def no_pictures(trial: TrialRecord) -> list[Path]:
    return []


def project(ledger: Ledger, plan: Plan, files: list[Path] | None = None) -> str:
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    return sink.close(files or [])


def wait_for(sink: MlflowSink) -> None:
    """Wait until MLflow has everything that the ledger has."""
    deadline = time.monotonic() + 60
    while sink.backlog and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sink.backlog == 0


def runs(plan: Plan) -> dict[str | None, tuple[str, dict[str, str]]]:
    """Status and tags by trial number; the study's own run under None."""
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    found = [run for run in found if "cell" not in run.data.tags or "trial" in run.data.tags]
    by_trial = {run.data.tags.get("trial"): (run.info.status, run.data.tags) for run in found}
    assert len(by_trial) == len(found)
    return by_trial


def test_every_trial_has_its_state_and_the_study_as_its_parent(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    assert project(fake.ended_study(plan), plan) == ""
    found = runs(plan)
    expected: dict[str | None, str] = {None: "FINISHED", "6": "KILLED", "7": "FAILED"}
    expected |= {str(number): "FINISHED" for number in range(6)}
    assert {key: status for key, (status, _) in found.items()} == expected
    assert found["6"][1]["state"] == "pruned"
    assert found["7"][1]["failure"] == "the loss was not finite"
    assert len({tags["mlflow.parentRunId"] for key, (_, tags) in found.items() if key}) == 1


def test_written_twice_nothing_is_doubled(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    for _ in range(2):
        assert project(ledger, plan) == ""
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], "tags.trial = '0'")
    assert len(found) == 1
    history = client.get_metric_history(found[0].info.run_id, "miou")
    assert [point.step for point in history] == [1, 2, 3, 4]
    assert "boundary_f_3px" not in found[0].data.metrics  # null in the ledger
    assert found[0].data.params["loss/gamma"] == str(ledger.record.trials[0].params["loss/gamma"])


def test_a_live_study_writes_each_run_and_ends_it(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=1)
    ledger = fake.begin(plan)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    fake.complete(ledger, plan, 0)
    ledger.append(Ended())
    report = tmp_path / "report.md"
    report.write_text("# A report\n")
    assert sink.close([report]) == ""
    assert {key: status for key, (status, _) in runs(plan).items()} == {
        None: "FINISHED",
        "0": "FINISHED",
    }


def test_an_absent_server_delays_nothing_and_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    plan = fake.plan(tmp_path, tracking_uri="http://127.0.0.1:9")  # nothing listens there
    ledger = fake.begin(plan)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    begin = time.monotonic()
    for number in range(6):
        fake.complete(ledger, plan, number)
    assert time.monotonic() - begin < 2.0
    assert "lacks" in sink.close([], patience_s=30)
    assert sum("training continues" in message for message in caplog.messages) == 1


def test_a_server_s_runs_are_not_announced_over_the_live_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = fake.plan(tmp_path, tracking_uri="http://127.0.0.1:9")
    MlflowSink(plan.tracking_uri, fake.begin(plan).record.copy(), no_pictures)
    # MLflow prints a run's address in this private method, which the sink replaces.
    MlflowClient(plan.tracking_uri)._tracking_client._log_url("0" * 32)
    assert capsys.readouterr().out == ""


def test_a_grid_is_browsed_by_cell_and_seed_with_its_verdicts(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = fake_grid.ended_study(plan)
    files = reports.write(ledger.record, StudyFolder.of(plan))
    assert project(ledger, plan, files) == ""
    found = runs(plan)
    tags = found["3"][1]
    assert tags["mlflow.runName"] == "good · seed 1"
    assert (tags["grid"], tags["cell"], tags["seed"]) == ("pair", "good", "1")
    assert "verdict" not in tags  # a seed has none: it is its cell's
    parent = found[None][1]
    assert (parent["grid"], parent["verdict.good"], parent["verdict.far"]) == (
        "pair",
        "better",
        "not run",
    )
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    ids = [experiment.experiment_id]
    child = client.search_runs(ids, "tags.trial = '3'")[0]
    # 1/4 + 1/32 (seed) + 1/32 (cell) + 1/16 (epochs) + 1/8 (test)
    assert child.data.metrics["test_miou"] == 0.5
    assert child.data.metrics["published_miou"] == 0.666
    study = client.search_runs(ids, "tags.`verdict.good` = 'better'")[0]
    cell = client.search_runs(ids, "tags.cell = 'good' and tags.verdict = 'better'")
    assert [run.info.run_id for run in cell] == [child.data.tags["mlflow.parentRunId"]]
    assert cell[0].data.tags["mlflow.parentRunId"] == study.info.run_id
    assert cell[0].data.metrics["delta_miou"] == 0.03125
    assert cell[0].data.metrics["published_miou"] == 0.666
    assert cell[0].data.metrics["p_corrected"] == 0.03125
    names = {item.path for item in client.list_artifacts(study.info.run_id, "report")}
    assert {"report/table.md", "report/table.csv"} <= names


def test_the_best_network_is_registered_once_with_its_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    folder = StudyFolder.of(plan).model
    config = TrialConfig().changed({"model/width": 4, "epochs": 4})
    state = io.BytesIO()
    torch.save({"network": Segmenter(config.model, 2, False).state_dict()}, state)
    saved.save(folder, config, ["a", "b"], state.getvalue())
    for _ in range(2):
        sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
        assert sink.close([], folder) == ""
    client = MlflowClient(plan.tracking_uri)
    name = name_of(ledger.record)
    versions = client.search_model_versions(f"name = '{name}'")
    best = results_of(ledger.record).best
    assert best is not None
    assert [version.tags["trial"] for version in versions] == [str(best.number)]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", plan.tracking_uri)
    home = mlflow.artifacts.download_artifacts(f"models:/{name}/1")
    assert saved.load(Path(home))[1] == config


def test_an_experiment_deleted_while_a_study_runs_is_named_at_its_end(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    assert project(ledger, plan) == ""
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)
    complaint = project(ledger, plan)
    assert "the experiment edgewise is deleted; restore it with `mlflow experiments" in complaint
    assert "\n" not in complaint
