"""The ledger as people browse it: one parent run a study, one nested run a trial.

MLflow is a projection. Every write here makes MLflow equal to the ledger for one trial, whatever
was there before; so the same code serves a live study, a resumed one and a rebuilt one. It runs in
a thread of its own: a slow or absent server never holds up a trial.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from study.mlflow_names import (
    artifacts_beside,
    grid_tags,
    key,
    nested,
    provenance_tags,
    reported,
    run_name,
)
from study.record import StudyRecord, TrialRecord
from study.stage_runs import write_stages

EXPERIMENT = "edgewise"
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
_RETRY_S = 5.0
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Opens the experiment as training runs, not as MLflow's pages for language models."""
_logger = logging.getLogger(__name__)

Files = Callable[[TrialRecord], list[Path]]


class MlflowSink:
    """Follows a ledger. ``files`` gives what to keep of a trial that has ended."""

    def __init__(self, tracking_uri: str, record: StudyRecord, files: Files) -> None:
        self.uri = tracking_uri
        self.record = record
        self.files = files
        self._runs: dict[int | None, str] = {}
        self._logged: dict[int, int] = {}
        self._due: queue.Queue[int | str | None] = queue.Queue()
        self._pending: set[int] = set()
        self._warned = False
        self._client: Any = None
        self._report: list[Path] = []
        self._thread = threading.Thread(target=self._follow, name="mlflow", daemon=True)
        self._thread.start()

    def __call__(self, event: Mapping[str, Any], record: StudyRecord) -> None:
        """A listener of the ledger: note what has to be written."""
        if "trial" in event and (event["event"] != "tested" or "grid" in record.plan):
            self._due.put(event["trial"])

    def rebuild(self) -> None:
        """Write every trial of the ledger."""
        for number in self.record.trials:
            self._due.put(number)

    def close(self, files: list[Path], patience_s: float = 60.0) -> str:
        """Write what is due, end the parent run with these files, and say how it went."""
        self._report = files
        self._due.put("close")
        self._thread.join(patience_s)
        if not self._thread.is_alive() and not self._pending:
            return ""
        return f"MLflow at {self.uri} lacks {len(self._pending) or 'some'} of the runs"

    def _follow(self) -> None:
        """Collect what is due for a moment, then write each trial once."""
        closing = False
        while not closing or self._pending:
            closing = self._collect(closing)
            try:
                self._write_pending()
            except Exception as error:  # any client error: training must not notice
                self._warn(error)
                if closing:
                    return
                time.sleep(_RETRY_S)
        try:
            self._end_parent()
        except Exception as error:
            self._warn(error)

    def _collect(self, closing: bool) -> bool:
        timeout = None if not self._pending and not closing else 0.2
        try:
            while True:
                due = self._due.get(timeout=timeout)
                timeout = 0.2
                if due == "close":
                    return True
                assert isinstance(due, int)
                self._pending.add(due)
        except queue.Empty:
            return closing

    def _write_pending(self) -> None:
        self._connect()
        for number in sorted(self._pending):
            self._write_trial(self.record.trials[number])
            self._pending.discard(number)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            _logger.warning("MLflow at %s: %s; training goes on, the ledger has it all",
                            self.uri, reason)  # fmt: skip

    def _connect(self) -> None:
        """Find or make the experiment, the parent run, and the runs that are there already."""
        if self._client is not None:
            return
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(
            EXPERIMENT, artifact_location=artifacts_beside(self.uri), tags=_EXPERIMENT_TAGS
        )  # fmt: skip
        self._experiment = experiment
        study = self.record.plan["study"]
        for run in client.search_runs([experiment], f"tags.study = '{study}'", max_results=50_000):
            trial = run.data.tags.get("trial")
            self._runs[int(trial) if trial else None] = run.info.run_id
            if trial:
                self._logged[int(trial)] = int(run.data.metrics.get("epoch", 0))
        self._client = client
        if None not in self._runs:
            self._runs[None] = self._make_parent()
        client.set_terminated(self._runs[None], status="RUNNING")

    def _make_parent(self) -> str:
        plan = self.record.plan
        facts = {key: plan[key] for key in ("space", "sampler", "scheduler")}
        facts["objective"] = ", ".join(self.record.objectives)
        if "grid" in plan:
            facts |= {"grid": plan["grid"]["name"], "baseline": plan["grid"]["baseline"]}
        tags = {
            "study": plan["study"], "mlflow.runName": plan["study"], **facts,
            "mlflow.note.content": plan["question"], **provenance_tags(plan),
        }  # fmt: skip
        run = self._client.create_run(self._experiment, tags=tags)
        numbers = ("trials", "lanes", "workers", "seed")
        self._log_params(run.info.run_id, {**facts, **{key: plan[key] for key in numbers}})
        self._client.log_text(run.info.run_id, yaml.safe_dump(plan, sort_keys=False), "plan.yaml")
        return str(run.info.run_id)

    def _write_trial(self, trial: TrialRecord) -> None:
        """Make the trial's run equal to its record."""
        run_id = self._runs.get(trial.number) or self._make_run(trial)
        logged = self._logged.get(trial.number, 0)
        new = [epoch for epoch in sorted(trial.epochs) if epoch > logged]
        if new:
            self._log_epochs(run_id, trial, new)
        self._client.set_tag(run_id, "state", trial.state)
        if trial.state != "running":
            self._end_run(run_id, trial)

    def _make_run(self, trial: TrialRecord) -> str:
        plan = self.record.plan
        run = self._client.create_run(
            self._experiment,
            start_time=int(trial.started * 1000),
            tags={
                "study": plan["study"], "trial": str(trial.number), "trial_id": trial.id,
                "mlflow.runName": run_name(trial),
                "mlflow.parentRunId": self._runs[None], "space": plan["space"],
                "dataset": plan["data"]["dataset"], "seed": str(trial.config["seed"]),
                **grid_tags(plan, trial), **provenance_tags(plan),
            },
        )  # fmt: skip
        run_id = str(run.info.run_id)
        self._runs[trial.number] = run_id
        self._log_params(run_id, trial.config)
        text = yaml.safe_dump(nested(trial.config), sort_keys=False)
        self._client.log_text(run_id, text, "config.yaml")
        return run_id

    def _log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        listed = [Param(key, str(value)) for key, value in params.items()]
        for start in range(0, len(listed), 100):
            self._client.log_batch(run_id, params=listed[start : start + 100])

    def _log_epochs(self, run_id: str, trial: TrialRecord, epochs: list[int]) -> None:
        """One batch an epoch; its ``epoch`` metric says later what was written."""
        from mlflow.entities import Metric

        for epoch in epochs:
            kept = trial.epochs[epoch]
            values = {**kept["metrics"], "seconds": kept["seconds"], "epoch": epoch}
            stamp = int(kept["time"] * 1000)
            metrics = [
                Metric(name, value, stamp, epoch)
                for name, value in values.items()
                if value is not None
            ]
            self._client.log_batch(run_id, metrics=metrics)
            self._logged[trial.number] = epoch
        self._client.set_tag(run_id, "lane", trial.lane)

    def _end_run(self, run_id: str, trial: TrialRecord) -> None:
        for path in self.files(trial):
            folder = "pictures" if path.suffix == ".png" else "counts"
            self._client.log_artifact(run_id, str(path), folder)
        if trial.failure is not None:
            self._client.set_tag(run_id, "failure", trial.failure["message"][:5000])
            text = f"{trial.failure['message']}\n\n{trial.failure['traceback']}"
            self._client.log_text(run_id, text, "failure.txt")
        if "grid" in self.record.plan:
            self._log_tested(run_id, trial)
        self._client.set_tag(run_id, "seconds", f"{trial.seconds:.1f}")
        end = max((epoch["time"] for epoch in trial.epochs.values()), default=trial.started)
        self._client.set_terminated(run_id, _STATUS[trial.state], end_time=int(end * 1000))

    def _log_tested(self, run_id: str, trial: TrialRecord) -> None:
        """Figures of the test list and the paper's, beside those of the last epoch."""
        from mlflow.entities import Metric

        stamp = int((trial.epochs[trial.last_epoch]["time"] if trial.epochs else 0) * 1000)
        listed = [
            Metric(name, value, stamp, trial.last_epoch)
            for name, value in {**(trial.tested or {}), **reported(self.record.plan, trial)}.items()
            if value is not None
        ]
        self._client.log_batch(run_id, metrics=listed)

    def _tag_verdicts(self) -> None:
        """On every run of a grid, what its cell came to."""
        from study.tables import verdicts

        found = verdicts(self.record)
        for trial in self.record.compared().trials.values():
            self._client.set_tag(self._runs[trial.number], "verdict", found[trial.cell])
        for cell, word in found.items():
            self._client.set_tag(self._runs[None], f"verdict.{key(cell)}", word)

    def _end_parent(self) -> None:
        """The study's own run: the winner's figures, the report, and where it stands."""
        self._connect()
        run_id, record = self._runs[None], self.record
        write_stages(self._client, self._experiment, run_id, record.plan["study"], record.stages)
        best = record.best()
        if best is not None:
            for name, value in best.metrics.items():
                if value is not None:
                    self._client.log_metric(run_id, name, value)
            self._client.set_tag(run_id, "best_trial", str(best.number))
        for name, value in (record.tested or {}).get("metrics", {}).items():
            self._client.log_metric(run_id, name, value)
        if "grid" in record.plan:
            self._tag_verdicts()
        for path in self._report:
            self._client.log_artifact(run_id, str(path), "report" if path.suffix != ".pt" else "")
        self._client.set_terminated(run_id, "FINISHED" if record.ended else "KILLED")
