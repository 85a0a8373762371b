"""A run in MLflow equals its ledger, without doubles, however often writing is interrupted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from study.tracking.client_writer import ClientWriter
from study.tracking.description import NOTE
from study.tracking.entities import RUNNING, Run
from study.tracking.runs import study_run
from study.tracking.trial_runs import trial_run
from tests.study import fake
from tests.study.tracking.test_sink import database, empty

__all__ = ["database", "empty"]
WRITES = ("create_run", "log_batch", "log_inputs", "log_artifacts", "set_terminated")


class Killed(BaseException):
    """Stands in for a SIGKILL: no handler of the product catches it."""


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/m.db"


@pytest.fixture
def ours(tmp_path: Path) -> list[Run]:
    """Runs of the study, of a complete trial with an artifact, and of a failed one."""
    record = fake.ended_study(fake.plan(tmp_path)).record
    picture = tmp_path / "one.png"
    picture.write_bytes(b"pixels")
    trials = record.trials
    return [
        study_run(record),
        trial_run(record, trials[0], [picture]),
        trial_run(record, trials[7]),
    ]


def content(client: MlflowClient, run_id: str) -> dict[str, object]:
    """All that a run holds in MLflow, its metrics with their history."""
    run = client.get_run(run_id)
    return {
        "tags": run.data.tags,
        "params": run.data.params,
        "points": sorted(
            (point.key, point.value, point.timestamp, point.step)
            for name in run.data.metrics
            for point in client.get_metric_history(run_id, name)
        ),
        "inputs": sorted(
            (dataset.dataset.name, dataset.dataset.digest, dataset.tags[0].value)
            for dataset in run.inputs.dataset_inputs
        ),
        "files": sorted(_files(client, run_id)),
        "info": (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time),
    }


def _files(client: MlflowClient, run_id: str, folder: str | None = None) -> Iterator[str]:
    for item in client.list_artifacts(run_id, folder):
        yield from _files(client, run_id, item.path) if item.is_dir else [item.path]


def expected(run: Run, parent: str | None) -> dict[str, object]:
    below = {"mlflow.parentRunId": parent} if parent else {}
    assert run.ended_ms is not None
    return {
        "tags": {**run.tags, **below},
        "params": run.params,
        "points": sorted(
            (point.name, point.value, point.time_ms, point.step)
            for point in (*run.points, *run.late, *run.curves)
        ),
        "inputs": sorted((dataset.name, dataset.digest, dataset.context) for dataset in run.inputs),
        "files": sorted([*run.texts, *(f"{place}/{path.name}" for path, place in run.files)]),
        "info": (run.tags["mlflow.runName"], run.status, run.started_ms, run.ended_ms),
    }


def check(uri: str, ours: list[Run]) -> None:
    writer = ClientWriter(uri, "fake")
    assert sorted(writer.ids) == sorted(run.key for run in ours)
    for run in ours:
        parent = writer.ids[run.parent] if run.parent else None
        assert content(writer.client, writer.ids[run.key]) == expected(run, parent)


@pytest.mark.parametrize("connections", [1, 2])
def test_a_run_equals_its_ledger_even_when_written_twice(
    uri: str, ours: list[Run], connections: int
) -> None:
    for _ in range(connections):
        writer = ClientWriter(uri, "fake")
        writer.write(ours)
        writer.write(ours)
    check(uri, ours)


def test_what_is_stored_already_is_not_sent_again(
    uri: str, ours: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    ClientWriter(uri, "fake").write(ours)
    again = ClientWriter(uri, "fake")

    def sent(name: str) -> Callable[..., NoReturn]:
        def call(client: MlflowClient, *given: object, **named: object) -> NoReturn:
            raise AssertionError(f"{name} {given} {named}")

        return call

    for name in ("create_run", "log_inputs", "set_terminated", "update_run"):
        monkeypatch.setattr(MlflowClient, name, sent(name))
    again.write(ours)  # must not raise


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_call_leaves_nothing_missing_or_doubled(
    uri: str, ours: list[Run], monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Each attempt dies one call later than the one before, until one comes through."""
    running = replace(ours[1], points=ours[1].points[:6], late=[], status=RUNNING, ended_ms=None)
    calls, limit = 0, 0

    def dying(name: str) -> Callable[..., object]:
        real = getattr(MlflowClient, name)

        def call(client: MlflowClient, *given: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            dies = calls > limit
            if dies and not after:
                raise Killed
            result = real(client, *given, **named)
            if dies:
                raise Killed
            return result

        return call

    with monkeypatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, dying(name))
        attempts = 0
        while True:
            # Each limit is tried twice: a second kill at the same call hits a half-repaired run.
            calls, limit, attempts = 0, attempts // 2, attempts + 1
            try:
                ClientWriter(uri, "fake").write([ours[0], running, *ours[1:]])
                break
            except Killed:
                assert attempts < 60
    assert attempts > 3
    check(uri, ours)


def test_a_trial_with_another_config_replaces_its_run(uri: str, ours: list[Run]) -> None:
    writer = ClientWriter(uri, "fake")
    writer.write(ours)
    old = writer.ids["trial/0"]
    tags, params = {**ours[1].tags, "trial_id": "f" * 12}, {**ours[1].params, "batch": "2"}
    halved = replace(ours[1], tags=tags, params=params)
    ClientWriter(uri, "fake").write([ours[0], halved])
    check(uri, [ours[0], halved, ours[2]])
    assert writer.client.get_run(old).info.lifecycle_stage == "deleted"


def test_a_run_that_is_dated_later_at_each_write_keeps_its_true_duration(
    uri: str, ours: list[Run]
) -> None:
    study = ours[0]
    started_earlier = replace(
        study, started_ms=study.started_ms - 60_000, status=RUNNING, ended_ms=None
    )
    writer = ClientWriter(uri, "fake")
    writer.write([started_earlier])
    writer.write([study])
    info = writer.client.get_run(writer.ids["study"]).info
    assert study.ended_ms is not None
    assert info.end_time - info.start_time == study.ended_ms - study.started_ms


def test_a_reader_s_description_stays(uri: str, ours: list[Run]) -> None:
    writer = ClientWriter(uri, "fake")
    writer.write(ours)
    writer.client.set_tag(writer.ids["study"], NOTE, "mine")
    ClientWriter(uri, "fake").write(ours)
    assert writer.client.get_run(writer.ids["study"]).data.tags[NOTE] == "mine"


def test_a_deleted_experiment_is_named_and_takes_no_run(uri: str, ours: list[Run]) -> None:
    writer = ClientWriter(uri, "fake")
    experiment = writer.client.get_experiment_by_name("edgewise")
    assert experiment is not None
    writer.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(MlflowException, match="experiment edgewise is deleted; restore it with"):
        ClientWriter(uri, "fake")


def test_variables_of_mlflow_send_nothing_elsewhere(
    uri: str, ours: list[Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path}/elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere.db")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
    writer = ClientWriter(uri, "fake")
    writer.write(ours)
    assert writer.client.get_run(writer.ids["trial/0"]).data.metrics["epoch"] == fake.EPOCHS
    writer.client.create_registered_model("edgewise-inverseform-shapes")
    assert not (tmp_path / "elsewhere.db").exists()
