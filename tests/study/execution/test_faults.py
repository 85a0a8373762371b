"""What a failure does: it ends one trial, restarts it, or stops the study until it is resumed."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.experiment import Trial as RayTrial

from study.execution.callbacks.ledger_writer import ACTOR_RESTARTS, LedgerWriter
from study.execution.interrupted import interrupted_trials
from study.execution.stopping import Faults, Policy, Stop, while_tune_runs
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.reporting.sections.report import counts
from tests.study import fake
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.lane.trial_spec import TrialSpec

RESULT = {
    "epoch": 1,
    "lane": "lane-1",
    "train_s": 0.5,
    "evaluate_s": 0.1,
    "miou": 0.5,
    "system": {},
    "done": False,
}


@pytest.fixture
def stops() -> Iterator[list[int]]:
    """The signals that the study sent to end Tune."""
    seen: list[int] = []
    with while_tune_runs():
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
        yield seen


class Bench:
    """A ledger and its writer, called as Tune would call it."""

    def __init__(self, plan: Plan, **policy: Any) -> None:
        self.plan = plan
        self.ledger = fake.begin(plan)
        self.stop = Stop()
        self.writer = LedgerWriter(self.ledger, Faults(Policy(**policy), self.stop))

    def trial(self, number: int) -> Any:
        params = fake.params_of(self.plan, number)
        config = self.plan.resolve(params)
        trial = SimpleNamespace(
            config=TrialSpec(number=number, params=params, config=config).to_tune(),
            error_file=None,
            num_failures=0,
            max_failures=ACTOR_RESTARTS,
        )
        self.writer.on_trial_start(0, [], trial)
        return trial

    def fail(self, trial: Any, kind: str, message: str) -> None:
        failure = {"kind": kind, "message": message, "traceback": "Traceback ..."}
        self.writer.on_trial_result(0, [], trial, {**RESULT, "failure": failure})
        self.writer.on_trial_complete(0, [], trial)


@pytest.mark.parametrize(
    ("kind", "message", "advice"),
    [
        ("data", "val/7.png: cannot be read: gone", "val/7.png: cannot be read: gone; every"),
        ("storage", "[Errno 28] No space left on device", "storage cannot be written: [Errno 28]"),
        ("OSError", "x\n[Errno 30] Read-only file system: 'a'", "Read-only file system: 'a'"),
    ],
)
def test_an_error_that_every_trial_would_meet_stops_the_study_and_leaves_the_trial_open(
    tmp_path: Path, stops: list[int], kind: str, message: str, advice: str
) -> None:
    bench = Bench(fake.plan(tmp_path))
    trial, other = bench.trial(0), bench.trial(1)
    bench.fail(trial, kind, message)
    bench.fail(other, kind, message)
    assert advice in bench.stop.reason
    assert len(stops) == 1
    assert [trial.state for trial in bench.ledger.record.trials.values()] == ["running"] * 2


def test_the_study_stops_at_its_error_limit_which_results_do_not_count_towards(
    tmp_path: Path, stops: list[int]
) -> None:
    bench = Bench(fake.plan(tmp_path), max_failures=2)
    for number, kind in enumerate(("diverged", "memory", "ValueError", "memory")):
        bench.fail(bench.trial(number), kind, "it went\nwrong")
    assert not bench.stop.reason
    bench.fail(bench.trial(4), "KeyError", "it went\nwrong")
    assert "2 trials raised an error" in bench.stop.reason
    assert bench.stop.reason.endswith("trial 4: KeyError: it went")
    assert len(stops) == 1
    states = [trial.state for trial in bench.ledger.record.trials.values()]
    assert states == ["failed"] * 5
    assert (
        counts(bench.ledger.record) == "5 failed (1 KeyError, 1 ValueError, 1 diverged, 2 memory)"
    )


def test_without_a_limit_errors_end_nothing(tmp_path: Path, stops: list[int]) -> None:
    bench = Bench(fake.plan(tmp_path))
    for number in range(8):
        bench.fail(bench.trial(number), "ValueError", "it went wrong")
    assert (bench.stop.reason, stops) == ("", [])


def test_an_actor_that_cannot_write_its_checkpoint_stops_the_study(
    tmp_path: Path, stops: list[int]
) -> None:
    bench = Bench(fake.plan(tmp_path))
    trial = bench.trial(0)
    (tmp_path / "error.txt").write_text("Failure # 1\nOSError: [Errno 28] No space left on device")
    trial.error_file = str(tmp_path / "error.txt")
    bench.writer.on_trial_recover(0, [], trial)
    assert "No space left on device" in bench.stop.reason
    bench.writer.on_trial_error(0, [], trial)
    assert bench.ledger.record.trials[0].state == "running"


def test_an_actor_that_dies_too_often_fails_its_trial(tmp_path: Path, stops: list[int]) -> None:
    bench = Bench(fake.plan(tmp_path))
    trial = bench.trial(0)
    bench.writer.on_trial_recover(0, [], trial)
    bench.writer.on_trial_error(0, [], trial)
    failure = bench.ledger.record.trials[0].failure
    assert failure is not None
    assert (failure.kind, failure.message, stops) == ("lane", "its actor died", [])


def test_deaths_of_an_actor_are_counted_since_its_last_epoch(
    tmp_path: Path, stops: list[int]
) -> None:
    """As Ray Tune counts them: a trial of days survives more machines than one of minutes."""
    bench = Bench(fake.plan(tmp_path))
    started = bench.trial(0)
    trial = RayTrial("epochs", stub=True, max_failures=ACTOR_RESTARTS)
    trial.config = started.config
    for epoch in (1, 2):
        for _ in range(ACTOR_RESTARTS):
            trial.run_metadata.num_failures += 1
            assert trial.should_recover()
        bench.writer.on_trial_result(0, [], trial, {**RESULT, "epoch": epoch})
    trial.run_metadata.num_failures += ACTOR_RESTARTS + 1  # now without an epoch between them
    assert not trial.should_recover()


def test_a_repeated_epoch_is_written_once_and_does_not_reset_the_count_of_deaths(
    tmp_path: Path,
) -> None:
    bench = Bench(fake.plan(tmp_path))
    trial = bench.trial(0)
    bench.writer.on_trial_result(0, [], trial, RESULT)
    trial.num_failures = 2
    bench.writer.on_trial_result(0, [], trial, RESULT)
    assert bench.ledger.path.read_text().count('"event":"epoch"') == 1
    assert trial.max_failures == ACTOR_RESTARTS


def test_what_a_training_used_is_in_the_ledger_and_adds_up_over_epochs(tmp_path: Path) -> None:
    bench = Bench(fake.plan(tmp_path))
    trial = bench.trial(0)
    bench.writer.on_trial_result(0, [], trial, {**RESULT, "held": {"optim/lr": 0.5}})
    later = {**RESULT, "epoch": 2, "held": {"optim/lr": 0.5, "loss/gamma": 0.25}}
    bench.writer.on_trial_result(0, [], trial, later)
    bench.writer.on_trial_result(0, [], trial, {**RESULT, "epoch": 3})
    record = Ledger(bench.ledger.path).record.trials[0]
    assert record.held == {"optim/lr": 0.5, "loss/gamma": 0.25}
    assert bench.ledger.path.read_text().count('"held"') == 2


def test_a_trial_restarted_with_a_smaller_batch_has_another_id_in_the_ledger(
    tmp_path: Path, stops: list[int]
) -> None:
    bench = Bench(fake.plan(tmp_path))
    trial = bench.trial(0)
    bench.writer.on_trial_result(0, [], trial, RESULT)
    before = bench.ledger.record.trials[0]
    batch, first = int(before.config["batch"]), before.id
    changes = {"batch": batch // 2, "optim/accumulate": 2}
    for epoch in (1, 2):
        result = {**RESULT, "epoch": epoch, "miou": 0.25, "changes": changes}
        bench.writer.on_trial_result(0, [], trial, result)
    record = Ledger(bench.ledger.path).record.trials[0]
    assert {path: record.config[path] for path in changes} == changes
    assert record.id != first
    assert {epoch: recorded.metrics["miou"] for epoch, recorded in record.epochs.items()} == {
        1: 0.25,
        2: 0.25,
    }
    assert bench.ledger.path.read_text().count('"event":"changed"') == 1


def test_an_interrupted_trial_without_epochs_left_ends_without_training(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    trial = fake.start(ledger, plan, 0)
    for epoch in range(1, fake.EPOCHS + 1):
        fake.epoch(ledger, trial, epoch)
    folder = StudyFolder.of(plan)
    write_checkpoint(folder.tune / "attempt-1/trial-0000/checkpoint_000003", fake.EPOCHS)
    assert interrupted_trials(ledger, folder) == []
    assert ledger.record.trials[0].state == "complete"


def test_an_incomplete_checkpoint_leaves_the_one_before_it(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    trial = fake.start(ledger, plan, 0)
    folder = StudyFolder.of(plan)
    saved = folder.tune / "attempt-1/trial-0000"
    for epoch in (1, 2):
        fake.epoch(ledger, trial, epoch)
        write_checkpoint(saved / f"checkpoint_{epoch:06d}", epoch)
    newest = saved / "checkpoint_000002" / "state.pt"
    newest.write_bytes(newest.read_bytes()[:-1])  # as a kill during its write leaves it
    (interrupted,) = interrupted_trials(ledger, folder)
    assert interrupted.resume_from == str(saved / "checkpoint_000001")


def test_an_epoch_of_a_trial_whose_start_was_not_written_stops_the_study_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: list[int]
) -> None:
    """The disk is full when the trial starts, and Tune still passes on what its lane reports."""

    def refuse(*given: object) -> int:
        raise OSError(28, "No space left on device")

    bench = Bench(fake.plan(tmp_path))
    monkeypatch.setattr("study.ledger.ledger.os.write", refuse)
    trial = bench.trial(0)
    bench.writer.on_trial_result(0, [], trial, RESULT)
    bench.writer.on_trial_complete(0, [], trial)
    assert "No space left on device" in bench.stop.reason
    assert len(stops) == 1
    assert bench.ledger.record.trials == {}
