"""Promises about a study that was killed repeatedly."""

from collections import Counter
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow import MlflowClient

from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from tests.study.ledger.test_ledger import content


def ledger_is_complete(folder: Path, calm: StudyRecord | None) -> None:
    """It has ended, with every trial once and at most one epoch of each lost at each resume; its
    content is that of the undisturbed study, where there is one."""
    record = StudyFolder(folder).load()
    assert record.ended
    events = read(StudyFolder(folder).ledger)[0]
    for kind in ("started", "finished", "tested"):
        numbers = Counter(event["trial"] for event in events if event["event"] == kind)
        assert set(numbers.values()) <= {1}, f"{kind} {numbers}"
        assert kind == "tested" or set(numbers) == set(range(record.plan.trials)), (
            f"{kind} {numbers}"
        )
    assert {event["event"] for event in events} >= {"planned", "ended"}
    _no_epoch_is_lost(events)
    if calm is not None:
        assert content(record) == content(calm)
        assert [trial.tested for trial in in_order(record)] == [
            trial.tested for trial in in_order(calm)
        ]


def in_order(record: StudyRecord) -> list[TrialRecord]:
    return [record.trials[number] for number in sorted(record.trials)]


def _no_epoch_is_lost(events: list[dict[str, Any]]) -> None:
    """No epoch is skipped, and no resume goes back by more than one."""
    last: dict[str, int] = {}
    for event in events:
        if event["event"] == "epoch":
            before = last.get(str(event["trial"]), 0)
            assert event["epoch"] in (before, before + 1), event
            last[str(event["trial"])] = event["epoch"]
        if event["event"] == "resumed":
            for trial, epoch in event["continue_after"].items():
                assert last.get(trial, 0) - 1 <= epoch, f"trial {trial} after {last}: {event}"
                last[trial] = epoch


def nothing_is_locked(storage: Path) -> None:
    """Neither a study nor a stage is locked, and no half-written file is left."""
    for path in [*storage.glob("*/lock"), *storage.rglob("*.lock")]:
        with FileLock(path).acquire(timeout=0):
            pass
    assert not list(storage.rglob("*.draft"))


def tracked(uri: str, folder: Path) -> None:
    """MLflow has the study, each trial once, and no run that has not ended."""
    record, client = StudyFolder(folder).load(), MlflowClient(uri)
    experiment = client.get_experiment_by_name("edgewise")
    runs = client.search_runs([experiment.experiment_id], f"tags.study = '{folder.name}'")
    trials = [int(run.data.tags["trial"]) for run in runs if "trial" in run.data.tags]
    assert sorted(trials) == sorted(record.trials)
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}, folder.name
