"""A tracking server that is slow or sometimes fails has everything in the end."""

import io
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from rich.console import Console

from study.commands import run_study
from study.execution.stopping import Policy
from study.ledger.events import Changed, Ended
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.tracking import sink as sink_module
from study.tracking.sink import MlflowSink
from tests.study import fake
from tests.study.tracking.test_sink import database, empty, no_pictures, project, runs, wait_for

__all__ = ["database", "empty"]
CALLS = (
    "create_run",
    "log_batch",
    "log_artifacts",
    "log_inputs",
    "set_terminated",
    "update_run",
    "search_runs",
    "get_experiment_by_name",
    "create_experiment",
)


class Flaky:
    """Passes every call on to the server; calls that ``fails`` picks answer 500.

    Half of those fail after the server has done its work: the answer is lost, not the request.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: Callable[[str], object]) -> None:
        self.calls, self.fails = 0, fails
        for name in CALLS:
            self._wrap(monkeypatch, name)

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(MlflowClient, name)

        def call(client: MlflowClient, *given: Any, **named: Any) -> Any:
            if threading.current_thread().name != "mlflow":
                return real(client, *given, **named)  # the test reads what the server has
            self.calls += 1
            if self.fails(name):
                if self.calls % 2:
                    real(client, *given, **named)
                raise MlflowException("API request failed with error code 500")
            return real(client, *given, **named)

        monkeypatch.setattr(MlflowClient, name, call)


def children(plan: Plan) -> list[Any]:
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    return list(client.search_runs([experiment.experiment_id], "tags.trial LIKE '%'"))


@pytest.mark.parametrize("seed", range(2))
def test_a_server_that_sometimes_answers_500_has_everything_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A sixth of the calls fail, whichever they are; no run is lost and none is there twice."""
    monkeypatch.setattr(sink_module, "_RETRY_S", 0.0)
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    draw = random.Random(seed)
    flaky = Flaky(monkeypatch, lambda name: draw.random() < 1 / 6)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    for number in range(3):
        fake.complete(ledger, plan, number)
    wait_for(sink)
    flaky.fails = lambda name: False
    ledger.append(Ended())
    assert sink.close([]) == ""
    assert {key: status for key, (status, _) in runs(plan).items()} == {
        None: "FINISHED",
        "0": "FINISHED",
        "1": "FINISHED",
        "2": "FINISHED",
    }
    client = MlflowClient(plan.tracking_uri)
    for run in children(plan):
        trial = ledger.record.trials[int(run.data.tags["trial"])]
        assert run.data.params["loss/gamma"] == str(trial.config["loss/gamma"])
        assert len(run.inputs.dataset_inputs) == 3
        assert {item.path for item in client.list_artifacts(run.info.run_id)} == {"config.yaml"}
        steps = [point.step for point in client.get_metric_history(run.info.run_id, "miou")]
        assert steps == [1, 2, 3, 4]
    assert sum("training continues" in message for message in caplog.messages) <= 1


@pytest.mark.parametrize("broken", ["set_terminated", "log_artifacts"])
def test_a_server_that_fails_at_the_end_is_reported_and_completed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    plan = fake.plan(tmp_path, trials=2)
    ledger = fake.begin(plan)
    for number in range(2):
        fake.complete(ledger, plan, number)
    ledger.append(Ended())
    with monkeypatch.context() as patch:
        Flaky(patch, lambda name: name == broken)
        assert "lacks" in project(ledger, plan)
    assert project(ledger, plan) == ""
    assert {status for status, _ in runs(plan).values()} == {"FINISHED"}
    assert len(runs(plan)) == 3


def test_a_slow_server_holds_up_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    slow = threading.Event()
    Flaky(monkeypatch, lambda name: slow.wait(0.5) and False)  # delays each call, fails none
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    begin = time.monotonic()
    for number in range(6):
        fake.complete(ledger, plan, number)
    took = time.monotonic() - begin
    assert "lacks" in sink.close([], patience_s=0.1)
    assert took < 2.0
    slow.set()
    assert sink.close([]) == ""


def test_a_trial_that_restarts_with_another_config_has_another_run(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    trial = fake.start(ledger, plan, 0)
    fake.epoch(ledger, trial, 1)
    wait_for(sink)
    config = {**trial.config, "batch": 2, "optim/accumulate": 4}
    ledger.append(Changed(trial=0, id="f" * 12, config=config))
    fake.epoch(ledger, trial, 1)
    assert sink.close([]) == ""
    (run,) = children(plan)
    assert run.data.tags["trial_id"] == "f" * 12
    assert (run.data.params["batch"], run.data.params["optim/accumulate"]) == ("2", "4")
    client = MlflowClient(plan.tracking_uri)
    assert len(client.get_metric_history(run.info.run_id, "miou")) == 1


def test_a_study_interrupted_before_mlflow_was_complete_completes_it_when_resumed(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    before = ledger.path.read_bytes()
    folder = StudyFolder.of(plan)
    folder.mark_outdated()
    dataset: Any = None
    console = Console(file=io.StringIO())
    code = run_study.StudyRun(plan, fake.SPACE, dataset, ledger, console).run(Policy())
    assert (code, folder.is_outdated()) == (0, False)
    statuses = {key: status for key, (status, _) in runs(plan).items()}
    assert (statuses[None], len(statuses), "RUNNING" in statuses.values()) == ("FINISHED", 9, False)
    assert (folder.report / "report.md").exists()
    assert ledger.path.read_bytes() == before
