"""What a study writes to a tracking server, and how many trials per second the server accepts.

    python tests/benchmarks/tracking_load.py --trials 60 [--server-workers 4]
        [--database postgresql+psycopg2://mlflow:PASSWORD@127.0.0.1:5432/mlflow] [--uri http://...]

Starts `mlflow server` on loopback with sqlite (or with that database, which must be empty or
MLflow's), or uses `--uri`: a running server, or a local database (`sqlite:////tmp/m.db`). Writes
simulated trials of ten epochs with their artifacts: complete, as a driver that lags behind does,
and epoch by epoch, as one that keeps up does.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import optuna
import requests

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking.client_writer import ClientWriter
from study.tracking.runs import study_run
from study.tracking.sink import MlflowSink
from study.tracking.trial_runs import trial_run
from tests.benchmarks.study_projection import EPOCHS, simulated
from tests.cluster.own_ray import free_port

PICTURES, PICTURE_BYTES, COUNTS_BYTES = 2, 20_000, 5_000
"""Sizes of the artifacts of a trial on `shapes`."""


class Requests:
    """Counts the HTTP requests of this process."""

    def __init__(self) -> None:
        self.made = 0
        send = requests.Session.send

        def counted(session: Any, request: Any, **options: Any) -> Any:
            self.made += 1
            return send(session, request, **options)

        setattr(requests.Session, "send", counted)  # noqa: B010


@contextmanager
def server(folder: Path, database: str, workers: int) -> Iterator[str]:
    """Start a tracking server; its address once it answers."""
    port = free_port()
    store = database or f"sqlite:///{folder}/server.db"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        str(workers),
        "--backend-store-uri",
        store,
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    environ = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        open(folder / "server.log", "w") as log,
        subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            uri = f"http://127.0.0.1:{port}"
            _await(f"{uri}/health")
            yield uri
        finally:
            process.terminate()


def _await(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.5)


class Files:
    """The artifacts of a trial."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / f"picture-{number}.png" for number in range(PICTURES)]
        self.paths.append(folder / "trial.npz")
        for path in self.paths:
            path.write_bytes(os.urandom(PICTURE_BYTES if path.suffix == ".png" else COUNTS_BYTES))

    def __call__(self, trial: TrialRecord) -> list[Path]:
        return self.paths


def complete(uri: str, record: StudyRecord, files: Files) -> None:
    """Write every trial once, complete."""
    sink = MlflowSink(uri, record.copy(), files)
    complaint = sink.close([], patience_s=900)
    assert not complaint, complaint


def followed(uri: str, record: StudyRecord, files: Files) -> None:
    """Write every trial after every epoch and at its end, without the sink's pauses."""
    writer = ClientWriter(uri, record.plan.study)
    writer.write([study_run(record)])
    for trial in record.trials.values():
        for last in trial.epochs:
            epochs = {number: trial.epochs[number] for number in range(1, last + 1)}
            writer.write([trial_run(record, replace(trial, state="running", epochs=epochs), [])])
        writer.write([trial_run(record, trial, files(trial))])
    writer.write([study_run(record)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--server-workers", type=int, default=4)
    parser.add_argument("--database", default="")
    parser.add_argument("--uri", help="of a running server, or sqlite:///...")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    requested = Requests()
    print(
        "| written | trials | requests a trial | trials/s | this process, ms a trial |\n"
        "|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = Files(folder)
        there = (
            nullcontext(given.uri)
            if given.uri
            else server(folder, given.database, given.server_workers)
        )
        with there as uri:
            complete(
                uri, simulated(folder / "warm", 2, f"warm-{os.getpid()}"), files
            )  # makes the tables
            for name, write in (("complete", complete), ("followed", followed)):
                record = simulated(folder / name, given.trials, f"{name}-{os.getpid()}")
                made, begin, cpu = requested.made, time.perf_counter(), time.process_time()
                write(uri, record, files)
                took, cpu = time.perf_counter() - begin, time.process_time() - cpu
                print(
                    f"| {name} | {given.trials} | {(requested.made - made) / given.trials:.1f} "
                    f"| {given.trials / took:.1f} | {1e3 * cpu / given.trials:.0f} |",
                    flush=True,
                )
    print(f"\n{EPOCHS} epochs a trial, {PICTURES + 1} files")


if __name__ == "__main__":
    main()
