"""The view of a study in MLflow: study -> cell or trial -> seed.

MLflow is a projection of the ledger. Every write makes some runs in MLflow equal to the ledger,
whatever was there before, so the same code serves a live study, a resumed one and a rebuild. One
separate thread writes everything: a slow or absent server never delays a trial.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.safe_text import without_passwords
from study.analysis import lost_classes
from study.analysis.confirmation import confirmation_of
from study.analysis.results import results_of
from study.ledger.events import Event
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking.cells import cell_runs, judged
from study.tracking.entities import STUDY_KEY, cell_key
from study.tracking.names import distinct
from study.tracking.runs import running_study, stage_run, study_run
from study.tracking.trial_runs import trial_run
from study.tracking.view import saved_view

if TYPE_CHECKING:
    from study.tracking.client_writer import ClientWriter

_COLLECT_S = 0.2
"""Events of one trial within this time are written together."""
_RETRY_S = 5.0
_ENVIRONMENT = {
    # By default, MLflow retries a request for minutes; this thread retries what fails anyway.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    # With a server, MLflow prints two lines for every ended run, over the live table.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_logger = logging.getLogger(__name__)

Files = Callable[[TrialRecord], list[Path]]
"""Returns the artifacts of a trial that has ended."""


class MlflowSink:
    """A ledger listener that writes the study to MLflow.

    Its thread folds the events into a record of its own, because the driver changes the ledger's
    record while a run is being written.
    """

    def __init__(self, tracking_uri: str, record: StudyRecord, files: Files) -> None:
        """Start the thread, which first writes the study so far, again if it was written before.

        Args:
            tracking_uri: a local database or a tracking server.
            record: the study so far; only this object may change it from now on.
            files: returns the artifacts of a trial that has ended.
        """
        self.uri = tracking_uri
        self._record, self._files = record, files
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._pending = set(record.trials)
        """Numbers of the trials whose runs in MLflow are out of date."""
        self._counts: dict[int, Path] = {}
        """The counts of complete trials, by number."""
        self._closing = self._complete = self._warned = False
        self._writer: ClientWriter | None = None
        self._reason = ""
        """Why the last write failed, in one line."""
        self.experiment = ""
        """MLflow's id of the experiment; "" until it was reached."""
        self._report: list[Path] = []
        self._model: Path | None = None
        os.environ.update(
            {name: os.environ.get(name, value) for name, value in _ENVIRONMENT.items()}
        )
        self._thread = threading.Thread(target=self._follow, name="mlflow", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Queue one event, without waiting for MLflow."""
        self._events.put(event)

    @property
    def backlog(self) -> int:
        """How many events and trials MLflow does not have yet."""
        return self._events.qsize() + len(self._pending)

    def close(self, files: list[Path], model: Path | None = None, patience_s: float = 60.0) -> str:
        """Write the rest, end the study's run, and stop the thread.

        Args:
            files: the report's, artifacts of the study's run.
            model: the folder of the best network, which is registered; None without one.
            patience_s: how many seconds to wait for MLflow.

        Returns:
            "", or one line that says what MLflow lacks.
        """
        self._report, self._model = files, model
        self._events.put(None)
        self._thread.join(patience_s)
        if self._complete:
            return ""
        lacks = f"{len(self._pending)} of the runs" if self._pending else "the study's own run"
        return f"MLflow at {without_passwords(self.uri)} lacks {lacks}" + (
            self._reason and f" ({self._reason})"
        )

    def _follow(self) -> None:
        """Run the thread: collect events for a moment, then write each of their trials once."""
        while self._pending or not self._closing:
            self._collect()
            try:
                self._write_pending()
            except Exception as error:  # whatever the client raises must not reach training
                self._disconnect(error)
                if self._closing:
                    return
                time.sleep(_RETRY_S)
        try:
            self._end()
            self._complete = True
        except Exception as error:
            self._disconnect(error)

    def _collect(self) -> None:
        """Fold the events of the next moment; with nothing to write, wait for the first one."""
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
        number = getattr(event, "trial", None)
        if number is not None:
            self._pending.add(number)

    def _write_pending(self) -> None:
        """Write the pending trials, each below its cell; a trial that fails stays pending."""
        for number in sorted(self._pending):
            writer, record = self._connected(), self._seen_by(number)
            trial = record.trials[number]
            if trial.cell and cell_key(trial.cell) not in writer:
                writer.write(cell_runs(record, [trial.cell]))
            artifacts = self._files(trial) if trial.state != "running" else []
            counts = lost_classes.counts_among(artifacts)
            if counts and trial.state == "complete" and not trial.phase:
                self._counts[number] = counts
            writer.write([trial_run(record, trial, artifacts)])
            self._pending.discard(number)

    def _seen_by(self, number: int) -> StudyRecord:
        """The record that a trial belongs to: the confirmation of a search is one of its own."""
        if self._record.trials[number].phase != "confirm":
            return self._record
        confirming = confirmation_of(self._record)
        assert confirming is not None, "a winner is chosen before it is confirmed"
        return confirming

    def _disconnect(self, error: Exception) -> None:
        """Drop the connection and warn once.

        The next connection reads what MLflow holds, and completes what is half-written.
        """
        self._writer = None
        text = str(error).strip()
        reason = text.splitlines()[0][:200] if text else type(error).__name__
        self._reason = without_passwords(reason)
        if not self._warned:
            self._warned = True
            _logger.warning(
                "MLflow at %s: %s; training continues, the ledger has everything",
                without_passwords(self.uri),
                self._reason,
            )

    def _connected(self) -> "ClientWriter":
        """The writer; a new one has found or created the study's own run, the parent of all."""
        if self._writer is None:
            # Importing MLflow takes seconds, which the study does not wait for in this thread.
            from study.tracking.client_writer import ClientWriter

            writer = ClientWriter(self.uri, self._record.plan.study)
            self.experiment = writer.experiment
            writer.write([running_study(self._record)])
            writer.save_view(*saved_view(self._record))
            self._writer = writer
        return self._writer

    def _end(self) -> None:
        """Write what is known only at the end: the stages, the verdicts, the winner's metrics, the
        report and the model."""
        writer, record = self._connected(), self._record
        writer.write(stage_run(record, stage) for stage in record.stages)
        lost = lost_classes.in_words(record, self._counts)
        study = study_run(record, self._report, lost, writer.ids[STUDY_KEY])
        compared = results_of(record).comparison
        if compared is not None and compared.record.trials:
            writer.write(judged(compared))
            words = zip(distinct(compared.verdicts), compared.verdicts.values(), strict=True)
            study.tags.update({f"verdict.{cell}": word for cell, word in words})
        writer.write([study])
        if self._model is not None:
            from study.tracking.models import register

            register(writer.client, writer.ids, record, self._model)
