"""The ledger as people browse it: study -> cell or trial -> seed.

MLflow is a projection. Every write here makes MLflow equal to the ledger for some runs, whatever
was there before; so the same code serves a live study, a resumed one and a rebuild. It runs in a
thread of its own, the only writer: a slow or absent server never holds up a trial.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from study.ledger.record import StudyRecord, TrialRecord
from study.tracking.cells import cell_runs, judged
from study.tracking.entities import RUNNING, cell_key, trial_key
from study.tracking.names import key
from study.tracking.runs import stage_run, study_run
from study.tracking.trial_runs import trial_run

if TYPE_CHECKING:
    from study.tracking.client_writer import ClientWriter

_COLLECT_S = 0.2
"""Events of one trial that come within this time are one write."""
_RETRY_S = 5.0
_ENVIRONMENT = {
    # MLflow's own patience is minutes a call; what fails here is tried again anyway.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    # It would print two lines for each run on a server, over the live table.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_logger = logging.getLogger(__name__)

Event = Mapping[str, object]
Files = Callable[[TrialRecord], list[Path]]


class MlflowSink:
    """A listener of the ledger that writes what it hears to MLflow.

    Its thread folds the events into a record of its own: the ledger's record changes under the
    driver's hands while a run is being written.
    """

    def __init__(self, tracking_uri: str, events: Iterable[Event], files: Files) -> None:
        """Start with the events so far, all of which are written (again); none for a new study.
        ``files`` returns the artifacts of a trial that has ended."""
        self.uri = tracking_uri
        self._files = files
        self._record = StudyRecord()
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._received = self._folded = self._written = 0
        self._pending: set[int] = set()
        """Numbers of the trials that MLflow does not have as they are now."""
        self._closing = self._complete = self._warned = False
        self._writer: ClientWriter | None = None
        self._report: list[Path] = []
        self._model: Path | None = None
        os.environ.update(
            {name: os.environ.get(name, value) for name, value in _ENVIRONMENT.items()}
        )
        for event in events:
            self._receive(event)
        self._thread = threading.Thread(target=self._follow, name="mlflow", daemon=True)
        self._thread.start()

    def __call__(self, event: Event, record: StudyRecord) -> None:
        """Receive one event; the ledger's record stays the driver's."""
        self._receive(event)

    @property
    def backlog(self) -> int:
        """How many of the events MLflow does not have yet."""
        return self._received - self._written

    def close(self, files: list[Path], model: Path | None = None, patience_s: float = 60.0) -> str:
        """Write what is left, end the study's run with the report's files, register the model in
        a folder. The result is "", or one line that says what MLflow lacks."""
        self._report, self._model = files, model
        self._events.put(None)
        self._thread.join(patience_s)
        if self._complete:
            return ""
        lacks = f"{len(self._pending)} of the runs" if self._pending else "the study's own run"
        return f"MLflow at {self.uri} lacks {lacks}"

    def _receive(self, event: Event) -> None:
        self._received += 1
        self._events.put(event)

    def _follow(self) -> None:
        """The thread: collect events for a moment, then write each trial they concern once."""
        while self._pending or not self._closing:
            self._collect()
            try:
                self._write_pending()
            except Exception as error:  # any client error: training must not notice
                self._lost(error)
                if self._closing:
                    return
                time.sleep(_RETRY_S)
        try:
            self._end()
            self._complete = True
        except Exception as error:
            self._lost(error)

    def _collect(self) -> None:
        """Fold what comes in the next moment; with nothing to write, wait for the first event."""
        if not self._pending and not self._closing:
            self._fold(self._events.get())
        deadline = time.monotonic() + _COLLECT_S
        with suppress(queue.Empty):
            while not self._closing and (left := deadline - time.monotonic()) > 0:
                self._fold(self._events.get(timeout=left))

    def _fold(self, event: Event | None) -> None:
        if event is None:
            self._closing = True
            return
        self._record.apply(event)
        self._folded += 1
        trial = event.get("trial")
        # A search shows test figures of its winner alone, on the study's own run.
        if isinstance(trial, int) and (event["event"] != "tested" or "grid" in self._record.plan):
            self._pending.add(trial)

    def _write_pending(self) -> None:
        """Write the pending trials, each below its cell. One that fails stays pending."""
        for number in sorted(self._pending):
            writer, trial = self._connected(), self._record.trials[number]
            if trial.cell and cell_key(trial.cell) not in writer:
                writer.write(cell_runs(self._record, [trial.cell]))
            kept = self._files(trial) if trial.state != "running" else []
            writer.write([trial_run(self._record, trial, kept)])
            self._pending.discard(number)
        self._written = self._folded

    def _lost(self, error: Exception) -> None:
        """Warn once. What was half done is found and finished after the next connection."""
        self._writer = None
        if not self._warned:
            self._warned = True
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            _logger.warning(
                "MLflow at %s: %s; training goes on, the ledger has it all", self.uri, reason
            )

    def _connected(self) -> "ClientWriter":
        """The writer, once it has found or created the study's own run."""
        if self._writer is None:
            # Imported late: MLflow takes seconds, and a study need not wait for them.
            from study.tracking.client_writer import ClientWriter

            writer = ClientWriter(self.uri, self._record.plan["study"])
            running = replace(study_run(self._record), status=RUNNING, ended_ms=None, late=[])
            writer.write([running])
            self._writer = writer
        return self._writer

    def _end(self) -> None:
        """Write what is known only at the end: stages, verdicts, the winner's figures, the report,
        the model."""
        writer, record = self._connected(), self._record
        writer.write(stage_run(record, stage) for stage in record.stages)
        study = study_run(record, self._report)
        if "grid" in record.plan and record.trials:
            cells, verdicts = judged(record)
            writer.write(cells)
            compared = record.compared().trials.values()
            for trial in compared:
                writer.tag(trial_key(trial.number), {"verdict": verdicts[trial.cell]})
            study.tags.update({f"verdict.{key(cell)}": word for cell, word in verdicts.items()})
        writer.write([study])
        if self._model is not None:
            from study.tracking.models import register

            register(writer.client, writer.ids, record, self._model)
