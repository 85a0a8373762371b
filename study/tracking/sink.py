"""The ledger as people browse it: study -> cell or trial -> seed.

MLflow is a projection. Every write here makes MLflow equal to the ledger for some runs, whatever
was there before; so the same code serves a live study, a resumed one and a rebuilt one. It runs in
a thread of its own, the only writer: a slow or absent server never holds up a trial.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking.cells import cell_runs, judged
from study.tracking.names import key
from study.tracking.runs import RUNNING, Run, stage_run, study_run, trial_run

_BATCH = 50
"""Runs a transaction: what is lost and written again after an error."""
_RETRY_S = 5.0
_MANNERS = {
    # MLflow's own patience is minutes a call; here what fails is tried again anyway.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    # Of a server it would print two lines a run, over the live table.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_logger = logging.getLogger(__name__)

Files = Callable[[TrialRecord], list[Path]]


class Writer(Protocol):
    """Where runs go. ``ids`` are those of the study's runs, by key."""

    client: Any
    ids: dict[str, str]

    def write(self, runs: Sequence[Run]) -> None: ...

    def tag(self, tags: Mapping[str, Mapping[str, str]]) -> None: ...


class MlflowSink:
    """Follows a ledger. ``files`` gives what to keep of a trial that has ended."""

    def __init__(self, tracking_uri: str, record: StudyRecord, files: Files) -> None:
        self.uri = tracking_uri
        self.record = record
        self.files = files
        self._due: queue.Queue[int | None] = queue.Queue()
        self._pending: set[int] = set()
        self._begun_again: list[str] = []
        self._warned = self._whole = False
        self._writer: Writer | None = None
        self._report: list[Path] = []
        self._model: Path | None = None
        os.environ.update({name: os.environ.get(name, value) for name, value in _MANNERS.items()})
        self._thread = threading.Thread(target=self._follow, name="mlflow", daemon=True)
        self._thread.start()

    def __call__(self, event: Mapping[str, Any], record: StudyRecord) -> None:
        """A listener of the ledger: note what has to be written."""
        if event["event"] == "changed":
            self._begun_again.append(f"trial/{event['trial']}")
        if "trial" in event and (event["event"] != "tested" or "grid" in record.plan):
            self._due.put(event["trial"])

    def rebuild(self) -> None:
        """Write every trial of the ledger."""
        for number in self.record.trials:
            self._due.put(number)

    def close(self, files: list[Path], model: Path | None = None, patience_s: float = 60.0) -> str:
        """Write what is due, end the study's run with these files, register the model in a folder,
        and say how it went."""
        self._report, self._model = files, model
        self._due.put(None)
        self._thread.join(patience_s)
        if self._whole:
            return ""
        lacks = f"{len(self._pending)} of the runs" if self._pending else "the study's own run"
        return f"MLflow at {self.uri} lacks {lacks}"

    def _follow(self) -> None:
        """Collect what is due for a moment, then write each trial once."""
        closing = False
        while not closing or self._pending:
            closing = self._collect(closing)
            try:
                self._write_pending()
            except Exception as error:  # any client error: training must not notice
                self._lost(error)
                if closing:
                    return
                time.sleep(_RETRY_S)
        try:
            self._end()
            self._whole = True
        except Exception as error:
            self._lost(error)

    def _collect(self, closing: bool) -> bool:
        timeout = None if not self._pending and not closing else 0.2
        try:
            while True:
                due = self._due.get(timeout=timeout)
                timeout = 0.2
                if due is None:
                    return True
                self._pending.add(due)
        except queue.Empty:
            return closing

    def _write_pending(self) -> None:
        writer = self._connected()
        while self._begun_again:  # with another config: parameters of a run cannot change
            if run_id := writer.ids.pop(self._begun_again[0], None):
                writer.client.delete_run(run_id)
            self._begun_again.pop(0)
        for numbers in _batches(sorted(self._pending)):
            trials = [self.record.trials[number] for number in numbers]
            cells = {trial.cell for trial in trials if f"cell/{trial.cell}" not in writer.ids}
            runs = cell_runs(self.record, cells - {""})
            for trial in trials:
                kept = self.files(trial) if trial.state != "running" else []
                runs.append(trial_run(self.record, trial, kept))
            writer.write(runs)
            self._pending.difference_update(numbers)

    def _lost(self, error: Exception) -> None:
        """Say so once. What was half done is found and finished after the next connection."""
        self._writer = None
        if not self._warned:
            self._warned = True
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            _logger.warning(
                "MLflow at %s: %s; training goes on, the ledger has it all", self.uri, reason
            )

    def _connected(self) -> Writer:
        """The writer, after it has found or made the study's own run."""
        if self._writer is None:
            writer = _writer(self.uri, self.record.plan["study"])
            begun = replace(study_run(self.record), status=RUNNING, ended_ms=None)
            writer.write([begun])
            self._writer = writer
        return self._writer

    def _end(self) -> None:
        """What is known at the end alone: stages, verdicts, the winner's figures, the report."""
        writer, record = self._connected(), self.record
        writer.write([stage_run(record, stage) for stage in record.stages])
        whole = study_run(record, self._report)
        if "grid" in record.plan and record.trials:
            cells, verdicts = judged(record)
            writer.write(cells)
            writer.tag(
                {
                    f"trial/{trial.number}": {"verdict": verdicts[trial.cell]}
                    for trial in record.compared().trials.values()
                }
            )
            whole.tags.update({f"verdict.{key(cell)}": word for cell, word in verdicts.items()})
        writer.write([whole])
        if self._model is not None:
            from study.tracking.models import register

            register(writer.client, writer.ids, record, self._model)


def _batches(numbers: list[int]) -> Iterator[list[int]]:
    return (numbers[start : start + _BATCH] for start in range(0, len(numbers), _BATCH))


def _writer(uri: str, study: str) -> Writer:
    """Imported late: it takes seconds, and a study need not wait for them."""
    if uri.startswith("sqlite"):
        from study.tracking.row_writer import RowWriter

        return RowWriter(uri, study)
    from study.tracking.client_writer import ClientWriter

    return ClientWriter(uri, study)
