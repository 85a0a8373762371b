"""Runs written through MLflow's client: to a server, or any store."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from study.tracking.names import NOTE, artifacts_beside
from study.tracking.runs import RUNNING, Input, Run, key_of

EXPERIMENT = "edgewise"
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Opens the experiment as training runs, not as MLflow's pages for language models."""
SOURCE_TYPE, CONTEXT = "code", "mlflow.data.context"
_METRICS, _PARAMS, _RUNS = 1000, 100, 50_000
"""What one request may hold."""


def experiment_of(client: MlflowClient, uri: str) -> Any:
    """Edgewise's experiment, made where it is not there."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        client.create_experiment(
            EXPERIMENT, artifact_location=artifacts_beside(uri), tags=_EXPERIMENT_TAGS
        )
        found = client.get_experiment_by_name(EXPERIMENT)
    return found


class ClientWriter:
    """Two to five requests a run."""

    def __init__(self, uri: str, study: str) -> None:
        self.client = MlflowClient(tracking_uri=uri)
        self.experiment = experiment_of(self.client, uri).experiment_id
        self.ids: dict[str, str] = {}
        self._epochs: dict[str, int] = {}
        self._seen: set[str] = set()
        self._described: set[str] = set()
        """Runs whose parameters, inputs and texts this connection has written: an earlier one may
        have been cut off between making a run and describing it."""
        query = f"tags.study = '{study}'"
        for run in self.client.search_runs([self.experiment], query, max_results=_RUNS):
            key = key_of(run.data.tags)
            self.ids[key] = run.info.run_id
            self._epochs[key] = int(run.data.metrics.get("epoch", 0))

    def write(self, runs: Sequence[Run]) -> None:
        """Make MLflow's runs equal to these; a parent comes before what hangs below it."""
        for run in runs:
            self._write(run)

    def tag(self, tags: Mapping[str, Mapping[str, str]]) -> None:
        """Set these tags of runs, by key."""
        for run, those in tags.items():
            listed = [RunTag(name, value) for name, value in those.items()]
            self.client.log_batch(self.ids[run], tags=listed)

    def _write(self, run: Run) -> None:
        new = run.key not in self._described
        run_id = self.ids.get(run.key) or self._create(run)
        logged = self._epochs.get(run.key, 0)
        points = [*(point for point in run.points if point.step > logged), *run.late]
        metrics = [Metric(*point) for point in points]
        params = [Param(name, value) for name, value in run.params.items()] if new else []
        tags = [RunTag(name, value) for name, value in run.tags.items() if name != NOTE]
        while metrics or params or tags:
            taken = tags, params[:_PARAMS], metrics[: _METRICS - _PARAMS - len(tags)]
            self.client.log_batch(run_id, tags=taken[0], params=taken[1], metrics=taken[2])
            tags, params, metrics = [], params[_PARAMS:], metrics[len(taken[2]) :]
        self._epochs[run.key] = max((point.step for point in run.points), default=logged)
        if new and run.inputs:
            self.client.log_inputs(run_id, [as_input(one) for one in run.inputs])
        self._settle(run, run_id, new)
        self._described.add(run.key)

    def _create(self, run: Run) -> str:
        tags = dict(run.tags)
        if run.parent:
            tags["mlflow.parentRunId"] = self.ids[run.parent]
        made = self.client.create_run(self.experiment, start_time=run.started_ms, tags=tags)
        self.ids[run.key] = made.info.run_id
        return str(made.info.run_id)

    def _settle(self, run: Run, run_id: str, new: bool) -> None:
        """Its artifacts and its state."""
        over = run.ended_ms is not None
        for name, text in run.texts.items() if new or over else ():
            self.client.log_text(run_id, text, name)
        for path, folder in run.files:
            self.client.log_artifact(run_id, str(path), folder)
        if over:
            self.client.set_terminated(run_id, run.status, end_time=run.ended_ms)
        elif run.key not in self._seen:
            self.client.update_run(run_id, status=RUNNING)
        self._seen.add(run.key)


def as_input(one: Input) -> DatasetInput:
    """A list of a dataset as MLflow keeps it: by name and digest, with what it holds."""
    kept = Dataset(
        one.name,
        one.digest,
        SOURCE_TYPE,
        json.dumps({"tags": {"root": one.root}}),
        profile=json.dumps(one.profile),
    )
    return DatasetInput(kept, [InputTag(CONTEXT, one.context)])
