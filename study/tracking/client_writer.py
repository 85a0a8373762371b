"""Runs written through MLflow's client, to a database or to a tracking server."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as MlflowRun

from study.tracking.entities import RUNNING, Input, Run, key_of
from study.tracking.names import NOTE, artifacts_beside

EXPERIMENT = "edgewise"
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Opens the experiment as training runs, not as MLflow's pages for language models."""
_SOURCE_TYPE, _CONTEXT = "code", "mlflow.data.context"
_ATTEMPT = "trial_id"
"""The tag that changes when a trial restarts with another config."""
_MAX_RUNS = 50_000
"""What one search may return."""


@dataclass
class _Stored:
    """What MLflow holds of one run, so that only what differs is sent."""

    run_id: str
    status: str
    started_ms: int
    ended_ms: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    """The latest value of each."""
    epoch: int = 0
    """The last epoch whose metrics are all there: ``epoch`` is the last metric of each."""
    has_inputs: bool = False
    has_texts: bool = False
    """Whether this connection wrote them: an earlier one may have been killed before it could."""


class ClientWriter:
    """Makes MLflow's runs equal to ours; four to six requests for a new one."""

    def __init__(self, uri: str, study: str) -> None:
        self.client = MlflowClient(tracking_uri=uri)
        self._experiment = _experiment_id(self.client, uri)
        query = f"tags.study = '{study}'"
        found = self.client.search_runs([self._experiment], query, max_results=_MAX_RUNS)
        self._stored = {key_of(run.data.tags): _stored(run) for run in found}

    @property
    def ids(self) -> dict[str, str]:
        """MLflow's id of each of the study's runs, by key."""
        return {key: stored.run_id for key, stored in self._stored.items()}

    def __contains__(self, key: str) -> bool:
        return key in self._stored

    def write(self, runs: Iterable[Run]) -> None:
        """Create or update these; a parent comes before its children."""
        for run in runs:
            stored = self._current(run) or self._create(run)
            self._log(run, stored)
            self._log_artifacts(run, stored)
            self._set_status(run, stored)  # last: an ended run is a complete one

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Set these tags of one run."""
        stored = self._stored[key]
        self.client.log_batch(stored.run_id, tags=_changed_tags(tags, stored))
        stored.tags |= tags

    def _current(self, run: Run) -> _Stored | None:
        """The run as it is stored. A parameter in MLflow cannot change, so the run of a trial that
        restarted with another config is deleted."""
        stored = self._stored.get(run.key)
        if stored is not None and stored.tags.get(_ATTEMPT) != run.tags.get(_ATTEMPT):
            self.client.delete_run(stored.run_id)
            del self._stored[run.key]
            return None
        return stored

    def _create(self, run: Run) -> _Stored:
        tags = dict(run.tags)
        if run.parent:
            tags["mlflow.parentRunId"] = self._stored[run.parent].run_id
        made = self.client.create_run(self._experiment, start_time=run.started_ms, tags=tags)
        stored = _Stored(made.info.run_id, RUNNING, run.started_ms, tags=tags)
        self._stored[run.key] = stored
        return stored

    def _log(self, run: Run, stored: _Stored) -> None:
        """Metrics, parameters and tags in one request (the client splits what is too large)."""
        new = [point for point in run.points if point.step > stored.epoch]
        late = [point for point in run.late if stored.metrics.get(point.name) != point.value]
        metrics = [Metric(*point) for point in (*new, *late)]
        params = [Param(*item) for item in run.params.items() if item[0] not in stored.params]
        tags = _changed_tags(run.tags, stored)
        self.client.log_batch(stored.run_id, metrics=metrics, params=params, tags=tags)
        stored.epoch = max((point.step for point in new), default=stored.epoch)
        stored.metrics |= {point.name: point.value for point in late}
        stored.params = run.params
        stored.tags |= run.tags
        if run.inputs and not stored.has_inputs:
            self.client.log_inputs(stored.run_id, [_dataset_input(one) for one in run.inputs])
            stored.has_inputs = True

    def _log_artifacts(self, run: Run, stored: _Stored) -> None:
        """All files of a run are copied from one folder: that is one request for few files."""
        texts = {} if stored.has_texts and run.ended_ms is None else run.texts
        if texts or run.files:
            with TemporaryDirectory() as name:
                _lay_out(Path(name), texts, run.files)
                self.client.log_artifacts(stored.run_id, name)
        stored.has_texts = True

    def _set_status(self, run: Run, stored: _Stored) -> None:
        """A run keeps the start it was created with; its duration is right all the same."""
        if run.ended_ms is None:
            if stored.status != RUNNING:
                self.client.update_run(stored.run_id, status=RUNNING)
            stored.status = RUNNING
            return
        ended_ms = stored.started_ms + run.ended_ms - run.started_ms
        if (stored.status, stored.ended_ms) != (run.status, ended_ms):
            self.client.set_terminated(stored.run_id, run.status, end_time=ended_ms)
        stored.status, stored.ended_ms = run.status, ended_ms


def _experiment_id(client: MlflowClient, uri: str) -> str:
    """The experiment of all studies, created if there is none."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    place = artifacts_beside(uri)
    return str(client.create_experiment(EXPERIMENT, artifact_location=place, tags=_EXPERIMENT_TAGS))


def _stored(run: MlflowRun) -> _Stored:
    return _Stored(
        run_id=run.info.run_id,
        status=run.info.status,
        started_ms=run.info.start_time,
        ended_ms=run.info.end_time,
        tags=dict(run.data.tags),
        params=run.data.params,
        metrics=dict(run.data.metrics),
        epoch=int(run.data.metrics.get("epoch", 0)),
        has_inputs=bool(run.inputs and run.inputs.dataset_inputs),
    )


def _changed_tags(tags: Mapping[str, str], stored: _Stored) -> list[RunTag]:
    """The description belongs to the reader once the run exists."""
    return [
        RunTag(name, value)
        for name, value in tags.items()
        if name != NOTE and stored.tags.get(name) != value
    ]


def _lay_out(folder: Path, texts: Mapping[str, str], files: Sequence[tuple[Path, str]]) -> None:
    """Put a run's artifacts in a folder as MLflow shall show them."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path, place in files:
        (folder / place).mkdir(parents=True, exist_ok=True)
        copyfile(path, folder / place / path.name)


def _dataset_input(one: Input) -> DatasetInput:
    """One list of a dataset as an MLflow input: name, digest and a profile of its content."""
    dataset = Dataset(
        one.name,
        one.digest,
        _SOURCE_TYPE,
        json.dumps({"tags": {"root": one.root}}),
        profile=json.dumps(one.profile),
    )
    return DatasetInput(dataset, [InputTag(_CONTEXT, one.context)])
