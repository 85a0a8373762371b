"""Runs written as rows of MLflow's own tables, for a database on this machine.

MLflow's client needs three transactions and about 60 ms of processor time for a run of ten epochs;
written as rows, as MLflow's own migration does it, all runs that are due are one transaction.
"""

import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow import MlflowClient
from mlflow.store.tracking.dbmodels.models import (
    SqlDataset,
    SqlInput,
    SqlInputTag,
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
    SqlTag,
)
from sqlalchemy import Connection, bindparam, create_engine, delete, select
from sqlalchemy.dialects.sqlite import insert

from study.tracking.client_writer import CONTEXT, as_input, experiment_of
from study.tracking.names import NOTE
from study.tracking.runs import Run, key_of

_Row = dict[str, Any]
_BUSY_S = 30


class RowWriter:
    """One transaction for all runs that are due."""

    def __init__(self, uri: str, study: str) -> None:
        self.client = MlflowClient(tracking_uri=uri)  # makes the tables
        self.experiment = experiment_of(self.client, uri)
        self.engine = create_engine(uri, connect_args={"timeout": _BUSY_S})
        self._written: set[str] = set()
        """Runs whose parameters, inputs and artifacts are there."""
        with self.engine.connect() as connection:
            self.ids = _known(connection, study, int(self.experiment.experiment_id))
        self._datasets: dict[tuple[str, str], str] = {}

    def write(self, runs: Sequence[Run]) -> None:
        """Make MLflow's runs equal to these; a parent comes before what hangs below it."""
        if not runs:
            return
        ids = [self.ids.setdefault(run.key, uuid.uuid4().hex) for run in runs]
        pairs = list(zip(ids, runs, strict=True))
        with self.engine.begin() as connection:
            _upsert(
                connection,
                SqlRun,
                [self._run(run_id, run) for run_id, run in pairs],
                ["run_uuid"],
                ["name", "status", "start_time", "end_time"],
            )
            self._write_tags(connection, pairs)
            _write_metrics(connection, pairs)
            fresh = [(run_id, run) for run_id, run in pairs if run_id not in self._written]
            params = [
                {"run_uuid": run_id, "key": key, "value": value}
                for run_id, run in fresh
                for key, value in run.params.items()
            ]
            _upsert(connection, SqlParam, params, ["run_uuid", "key"])
            self._write_inputs(connection, fresh)
        for run_id, run in pairs:
            self._keep_artifacts(run_id, run)
            self._written.add(run_id)

    def tag(self, tags: Mapping[str, Mapping[str, str]]) -> None:
        """Set these tags of runs, by key."""
        rows = [
            {"run_uuid": self.ids[run], "key": key, "value": value}
            for run, those in tags.items()
            for key, value in those.items()
        ]
        with self.engine.begin() as connection:
            _upsert(connection, SqlTag, rows, ["run_uuid", "key"], ["value"])

    def _run(self, run_id: str, run: Run) -> _Row:
        return {
            "run_uuid": run_id,
            "name": run.tags["mlflow.runName"],
            "status": run.status,
            "start_time": run.started_ms,
            "end_time": run.ended_ms,
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
            "user_id": run.tags.get("mlflow.user", ""),
            "lifecycle_stage": "active",
            "artifact_uri": self._artifacts(run_id),
            "experiment_id": int(self.experiment.experiment_id),
        }

    def _artifacts(self, run_id: str) -> str:
        return f"{self.experiment.artifact_location.rstrip('/')}/{run_id}/artifacts"

    def _write_tags(self, connection: Connection, pairs: Iterable[tuple[str, Run]]) -> None:
        notes: list[_Row] = []
        rows: list[_Row] = []
        for run_id, run in pairs:
            tags = dict(run.tags)
            if run.parent:
                tags["mlflow.parentRunId"] = self.ids[run.parent]
            for key, value in tags.items():
                row = {"run_uuid": run_id, "key": key, "value": value}
                (notes if key == NOTE else rows).append(row)
        _upsert(connection, SqlTag, rows, ["run_uuid", "key"], ["value"])
        _upsert(connection, SqlTag, notes, ["run_uuid", "key"])

    def _write_inputs(self, connection: Connection, pairs: Iterable[tuple[str, Run]]) -> None:
        inputs, tags = [], []
        for run_id, run in pairs:
            for one in run.inputs:
                source = self._dataset(connection, one)
                input_id = uuid.uuid5(uuid.NAMESPACE_OID, run_id + source).hex
                inputs.append(
                    {
                        "input_uuid": input_id,
                        "source_type": "DATASET",
                        "source_id": source,
                        "destination_type": "RUN",
                        "destination_id": run_id,
                    }
                )
                tags.append({"input_uuid": input_id, "name": CONTEXT, "value": one.context})
        whole = ["source_type", "source_id", "destination_type", "destination_id"]
        _upsert(connection, SqlInput, inputs, whole)
        _upsert(connection, SqlInputTag, tags, ["input_uuid", "name"])

    def _dataset(self, connection: Connection, one: Any) -> str:
        """The id of a dataset, made where it is not there."""
        known = (one.name, one.digest)
        if known not in self._datasets:
            experiment, kept = int(self.experiment.experiment_id), as_input(one).dataset
            _upsert(
                connection,
                SqlDataset,
                [
                    {
                        "dataset_uuid": uuid.uuid4().hex,
                        "experiment_id": experiment,
                        "name": kept.name,
                        "digest": kept.digest,
                        "dataset_source_type": kept.source_type,
                        "dataset_source": kept.source,
                        "dataset_profile": kept.profile,
                    }
                ],
                ["experiment_id", "name", "digest"],
            )
            self._datasets[known] = connection.execute(
                select(SqlDataset.dataset_uuid).where(
                    SqlDataset.experiment_id == experiment,
                    SqlDataset.name == one.name,
                    SqlDataset.digest == one.digest,
                )
            ).scalar_one()
        return self._datasets[known]

    def _keep_artifacts(self, run_id: str, run: Run) -> None:
        """Copied straight into the folder where the experiment keeps them on this machine."""
        uri = urlparse(self._artifacts(run_id))
        texts = run.texts if run_id not in self._written or run.ended_ms is not None else {}
        if uri.scheme not in ("", "file"):
            for name, text in texts.items():
                self.client.log_text(run_id, text, name)
            for path, folder in run.files:
                self.client.log_artifact(run_id, str(path), folder)
            return
        home = Path(unquote(uri.path))
        for name, text in texts.items():
            home.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        for path, folder in run.files:
            (home / folder).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, home / folder / path.name)


def _known(connection: Connection, study: str, experiment: int) -> dict[str, str]:
    """The study's runs that are there already, by key."""
    mine = (
        select(SqlTag.run_uuid)
        .join(SqlRun, SqlRun.run_uuid == SqlTag.run_uuid)
        .where(
            SqlTag.key == "study",
            SqlTag.value == study,
            SqlRun.experiment_id == experiment,
            SqlRun.lifecycle_stage == "active",
        )
    )
    tags: dict[str, dict[str, str]] = {}
    named = select(SqlTag.run_uuid, SqlTag.key, SqlTag.value).where(
        SqlTag.run_uuid.in_(mine), SqlTag.key.in_(("study", "stage", "trial", "cell"))
    )
    for run_id, key, value in connection.execute(named):
        tags.setdefault(run_id, {})[key] = value
    return {key_of(found): run_id for run_id, found in tags.items()}


def _write_metrics(connection: Connection, pairs: Sequence[tuple[str, Run]]) -> None:
    """All points of these runs, in the place of those that were there."""
    rows: list[_Row] = []
    last: list[_Row] = []
    for run_id, run in pairs:
        unique = dict.fromkeys([*run.points, *run.late])
        listed: list[_Row] = [
            {
                "run_uuid": run_id,
                "key": point.name,
                "value": point.value,
                "step": point.step,
                "timestamp": point.time_ms,
                "is_nan": False,
            }
            for point in unique
        ]
        rows += listed
        latest: dict[str, _Row] = {}
        for row in listed:
            if row["key"] not in latest or row["step"] >= latest[row["key"]]["step"]:
                latest[row["key"]] = row
        last += latest.values()
    for table, content in ((SqlMetric, rows), (SqlLatestMetric, last)):
        gone = delete(table).where(table.run_uuid == bindparam("gone"))
        connection.execute(gone, [{"gone": run_id} for run_id, _ in pairs])
        if content:
            connection.execute(insert(table), content)


def _upsert(
    connection: Connection,
    table: Any,
    rows: list[_Row],
    keys: list[str],
    changing: Sequence[str] = (),
) -> None:
    """Insert; of rows that are there, the changing columns are set and the others stay."""
    if not rows:
        return
    made = insert(table)
    if changing:
        values = {name: made.excluded[name] for name in changing}
        made = made.on_conflict_do_update(index_elements=keys, set_=values)
    else:
        made = made.on_conflict_do_nothing(index_elements=keys)
    connection.execute(made, rows)
