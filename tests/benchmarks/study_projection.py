"""What it costs to report a ledger of 1,000 trials: `python tests/benchmarks/study_projection.py`.

A simulated search with ten epochs per trial and every metric. The report in s, at most 30; MLflow's
rebuild in runs per second on sqlite, at least 20; beside it the floor of MLflow's own client: a run
made, given the same metrics in one batch, and ended, on the same disk.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import optuna

from study.ledger.events import Ended, EpochEnded, Finished, Planned, Started
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.tracking.sink import MlflowSink
from tests.study import fake, reports
from trainables.config import Value
from trainables.metrics.catalog import METRICS

os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")

EPOCHS = 10
LIMIT_REPORT_S, LIMIT_RUNS_A_SECOND = 30.0, 20.0


def simulated(folder: Path, trials: int, name: str = "fake") -> StudyRecord:
    """A record, filled without its ledger: writing that is not measured here."""
    plan = fake.plan(folder, trials=trials, study=name)
    record = StudyRecord()
    provenance = Provenance(commit="c" * 40, dirty=False)
    record.apply(Planned(time=1.0, plan=plan, data=fake.DATA, provenance=provenance))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for number in range(trials):
        params = fake.SPACE.suggest(study.ask())
        simulate_trial(record, number, params)
    record.apply(Ended(time=10.0 + trials))
    return record


def simulate_trial(record: StudyRecord, number: int, params: dict[str, Value]) -> None:
    """One complete trial with every metric after each epoch."""
    begin, key = 10.0 + number, f"{number:012x}"
    config = {**record.plan.base, **params}
    record.apply(Started(time=begin, trial=number, id=key, params=params, config=config))
    for epoch in range(1, EPOCHS + 1):
        value = fake.miou(params, fake.EPOCHS) * epoch / EPOCHS
        record.apply(
            EpochEnded(
                time=begin + epoch,
                trial=number,
                epoch=epoch,
                metrics={name: value / place for place, name in enumerate(METRICS, start=1)},
                seconds=1.0,
                lane="lane-0",
            )
        )
    record.apply(Finished(time=begin, trial=number, state="complete"))


def client_floor(uri: str, record: StudyRecord, runs: int) -> tuple[float, float]:
    """Runs per wall and per processor second through MLflow's client, at three calls per run."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(uri)
    experiment = client.create_experiment("floor")
    metrics = [
        Metric(name, value, epoch, epoch)
        for epoch, recorded in record.trials[0].epochs.items()
        for name, value in recorded.metrics.items()
        if not name.startswith("trimap")
    ]

    def write() -> None:
        for _ in range(runs):
            run = client.create_run(experiment).info.run_id
            client.log_batch(run, metrics=metrics)
            client.set_terminated(run)

    seconds = timed(write)
    return runs / seconds[0], runs / seconds[1]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = simulated(folder, trials)
        report_s = timed(lambda: reports.write(record, StudyFolder(folder / "fake")))
        uri = f"sqlite:///{folder}/m.db"
        floor = client_floor(uri, record, 20)  # makes the tables too
        rebuild_s = timed(lambda: rebuild(uri, record))
    speed = [trials / seconds for seconds in rebuild_s]
    print(
        f"report of {trials} trials: {report_s[0]:.1f} s, {report_s[1]:.1f} s of a processor (at "
        f"most {LIMIT_REPORT_S:.0f})"
    )
    print(
        f"MLflow rebuilt: {speed[0]:.0f} runs/s, {speed[1]:.0f} a processor second (at least "
        f"{LIMIT_RUNS_A_SECOND:.0f}); its client: {floor[0]:.1f} and {floor[1]:.1f}"
    )
    return 0 if report_s[0] <= LIMIT_REPORT_S and speed[0] >= LIMIT_RUNS_A_SECOND else 1


def rebuild(uri: str, record: StudyRecord) -> None:
    sink = MlflowSink(uri, record.copy(), lambda trial: [])
    complaint = sink.close([], patience_s=600)
    assert not complaint, complaint


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds and processor seconds; they differ where other processes are busy."""
    begin = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begin[0], time.process_time() - begin[1]


if __name__ == "__main__":
    raise SystemExit(main())
