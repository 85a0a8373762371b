"""Writing runs through MLflow's client, to a local database or to a tracking server."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LifecycleStage,
    Metric,
    Param,
    RunTag,
)
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from cluster.preflight.tracking import EXPERIMENT
from study.tracking.description import MARK, NOTE, is_ours
from study.tracking.entities import RUNNING, Input, Run, key_of
from study.tracking.names import artifacts_beside

_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""MLflow opens the experiment with its pages for training, not with those for language models."""
_SOURCE_TYPE, _CONTEXT = "code", "mlflow.data.context"
_ATTEMPT = "trial_id"
"""The tag that changes when a trial restarts with another config."""
_MAX_RUNS = 50_000
"""MLflow's limit for the results of one search."""


@dataclass
class _Stored:
    """What MLflow holds of one run, so that only differences are sent."""

    run_id: str
    status: str
    started_ms: int
    ended_ms: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    """The latest value by name."""
    epoch: int = 0
    """The last epoch with all its metrics: the metric ``epoch`` is written last."""
    has_inputs: bool = False
    has_texts: bool = False
    """Whether this connection wrote them; an earlier one may have been killed before that."""


class ClientWriter:
    """Makes a study's runs in MLflow equal to given ones; a new run takes four to six requests.

    It uses the client alone: MLflow's fluent API allows one active run at a time.
    """

    def __init__(self, uri: str, study: str) -> None:
        """Connect, and read which of the study's runs MLflow holds."""
        # A registry of its own (MLFLOW_REGISTRY_URI) would have the model without its run.
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.experiment = _experiment_id(self.client, uri)
        query = f"tags.study = '{study}'"
        runs = self.client.search_runs([self.experiment], query, max_results=_MAX_RUNS)
        self._stored = {key_of(run.data.tags): _stored(run) for run in runs}

    @property
    def ids(self) -> dict[str, str]:
        """MLflow's id of each of the study's runs, by key."""
        return {key: stored.run_id for key, stored in self._stored.items()}

    def __contains__(self, key: str) -> bool:
        return key in self._stored

    def write(self, runs: Iterable[Run]) -> None:
        """Create or update these runs; a parent comes before its children."""
        for run in runs:
            stored = self._current(run) or self._create(run)
            self._log(run, stored)
            self._log_artifacts(run, stored)
            self._set_status(run, stored)  # last: only a complete run counts as ended

    def save_view(self, name: str, value: str) -> None:
        """Set this tag of the experiment, a saved view, unless it is there: users may edit it."""
        if name not in self.client.get_experiment(self.experiment).tags:
            self.client.set_experiment_tag(self.experiment, name, value)

    def _current(self, run: Run) -> _Stored | None:
        """The stored run, or None. MLflow's parameters cannot change, so the run of a trial that
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
        created = self.client.create_run(self.experiment, start_time=run.started_ms, tags=tags)
        stored = _Stored(created.info.run_id, RUNNING, run.started_ms, tags=tags)
        self._stored[run.key] = stored
        return stored

    def _log(self, run: Run, stored: _Stored) -> None:
        """Send metrics, parameters and tags in one request; the client splits a large one."""
        new = [point for point in run.points if point.step > stored.epoch]
        late = [point for point in run.late if stored.metrics.get(point.name) != point.value]
        # MLflow knows each of a curve's points by its step, date and value: none is doubled.
        metrics = [Metric(*point) for point in (*new, *late, *run.curves)]
        params = [Param(*item) for item in run.params.items() if item[0] not in stored.params]
        tags = self._changed_tags(run.tags, stored)
        self._log_batch(stored, metrics=metrics, params=params, tags=tags)
        stored.epoch = max((point.step for point in new), default=stored.epoch)
        stored.metrics |= {point.name: point.value for point in late}
        stored.params = run.params
        stored.tags |= run.tags
        if run.inputs and not stored.has_inputs:
            self.client.log_inputs(stored.run_id, [_dataset_input(item) for item in run.inputs])
            stored.has_inputs = True

    def _changed_tags(self, tags: Mapping[str, str], stored: _Stored) -> list[RunTag]:
        """The tags that differ, without the description if a user has edited it meanwhile."""
        changed = {name: value for name, value in tags.items() if stored.tags.get(name) != value}
        if NOTE in changed and not is_ours(self.client.get_run(stored.run_id).data.tags):
            changed = {n: value for n, value in changed.items() if n not in (NOTE, MARK)}
        return [RunTag(*item) for item in changed.items()]

    def _log_batch(
        self,
        stored: _Stored,
        *,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
    ) -> None:
        # MLFLOW_ENABLE_ASYNC_LOGGING would lose what a server refuses.
        self.client.log_batch(stored.run_id, metrics, params, tags, synchronous=True)

    def _log_artifacts(self, run: Run, stored: _Stored) -> None:
        """Copy all artifacts of a run from one folder, which takes few requests."""
        texts = {} if stored.has_texts and run.ended_ms is None else run.texts
        if texts or run.files:
            with TemporaryDirectory() as name:
                _lay_out(Path(name), texts, run.files)
                self.client.log_artifacts(stored.run_id, name)
        stored.has_texts = True

    def _set_status(self, run: Run, stored: _Stored) -> None:
        """Set the status and the end. A run keeps the start with which it was created, so its end
        is shifted: the duration is right."""
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
    """The id of the experiment of all studies, which is created if it is missing.

    Raises:
        MlflowException: it is deleted. A local database would take its runs, and never show them.
    """
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is not None:
        if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
            raise MlflowException(
                f"the experiment {EXPERIMENT} is deleted; restore it with "
                f"`mlflow experiments restore --experiment-id {experiment.experiment_id}`"
            )
        return str(experiment.experiment_id)
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


def _lay_out(folder: Path, texts: Mapping[str, str], files: Sequence[tuple[Path, str]]) -> None:
    """Lay out a run's artifacts in a folder as they will appear in MLflow."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path, place in files:
        (folder / place).mkdir(parents=True, exist_ok=True)
        copyfile(path, folder / place / path.name)


def _dataset_input(item: Input) -> DatasetInput:
    """Convert a list of a dataset to MLflow's type; no image is loaded for it."""
    dataset = Dataset(
        item.name,
        item.digest,
        _SOURCE_TYPE,
        json.dumps({"tags": {"root": item.root}}),
        profile=json.dumps(item.profile),
    )
    return DatasetInput(dataset, [InputTag(_CONTEXT, item.context)])
